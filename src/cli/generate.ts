/** Writes the files that are made from the tables of settings and errors: `npm run generate`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonSchemaText } from '../config/json-schema.js';
import { errorsPage, holdfastYaml, settingsPage } from '../config/reference.js';

/** Path relative to the package's folder, and content, of every generated file. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['config/holdfast.schema.json', jsonSchemaText()],
    ['config/holdfast.yaml', holdfastYaml()],
    ['docs/settings.md', settingsPage()],
    ['docs/errors.md', errorsPage()],
  ]);
}

/** Writes them below this folder. */
export function writeGeneratedFiles(packageRoot: string): void {
  for (const [path, content] of generatedFiles()) {
    const target = resolve(packageRoot, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
}

const self = fileURLToPath(import.meta.url);
if (process.argv[1] !== undefined && resolve(process.argv[1]) === self) {
  writeGeneratedFiles(resolve(dirname(self), '../..'));
}
