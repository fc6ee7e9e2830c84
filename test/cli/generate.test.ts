import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedFiles, writeGeneratedFiles } from '../../src/cli/generate.js';

describe('writeGeneratedFiles', () => {
  it('writes every file, making the folders it needs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-generate-'));
    try {
      writeGeneratedFiles(folder);
      for (const [path, content] of generatedFiles()) expect(readFileSync(join(folder, path), 'utf8')).toBe(content);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names four files below config and docs', () => {
    expect([...generatedFiles().keys()]).toEqual([
      'config/holdfast.schema.json',
      'config/holdfast.yaml',
      'docs/settings.md',
      'docs/errors.md',
    ]);
  });
});
