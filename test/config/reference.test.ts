import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorsPage, holdfastYaml, settingsPage } from '../../src/config/reference.js';
import { SETTINGS } from '../../src/config/schema.js';
import { ERROR_CODES, hintOf } from '../../src/errors/catalogue.js';

describe('the generated files', () => {
  it.each([
    ['docs/settings.md', settingsPage()],
    ['docs/errors.md', errorsPage()],
    ['config/holdfast.yaml', holdfastYaml()],
  ])('%s is what the tables say (else run: npm run generate)', (path, content) => {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(content);
  });
});

describe('docs/settings.md', () => {
  it.each(SETTINGS.map((entry) => [entry.path, entry] as const))('has one row for %s', (path, entry) => {
    const rows = settingsPage()
      .split('\n')
      .filter((line) => line.startsWith(`| \`${path}\` |`));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toContain(entry.sentence);
    // Six cells.
    expect(rows[0]?.split(/(?<!\\)\|/)).toHaveLength(8);
  });

  it('tells what holds when a pushpin.conf leaves a key out', () => {
    expect(settingsPage()).toContain('`[handler] id_cache_ttl` (left out: `0`)');
    expect(settingsPage()).toContain('`[handler] push_in_http_addr`, `[handler] push_in_http_port` (left out: `off`)');
  });

  it('lists the keys that are not supported yet', () => {
    expect(settingsPage()).toContain('`[runner] https_ports`');
  });
});

describe('docs/errors.md', () => {
  it.each(ERROR_CODES)('explains %s', (code) => {
    expect(errorsPage()).toContain(`## ${code}\n\n${hintOf(code)}\n`);
  });
});

describe('config/holdfast.yaml', () => {
  it.each(SETTINGS.map((entry) => [entry.path, entry] as const))('shows %s', (_path, entry) => {
    expect(holdfastYaml()).toMatch(new RegExp(`^  #?${entry.key}: `, 'm'));
  });

  it('has no line wider than 110 characters', () => {
    expect(
      holdfastYaml()
        .split('\n')
        .filter((line) => line.length > 110),
    ).toEqual([]);
  });

  it('ends with one line break', () => {
    expect(holdfastYaml()).toMatch(/[^\n]\n$/);
  });
});
