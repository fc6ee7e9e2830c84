/**
 * The pages made from the tables: docs/settings.md, docs/errors.md and the commented config/holdfast.yaml. Texts only;
 * writing the files is the generator's work.
 */
import { ERROR_CODES, hintOf } from '../errors/catalogue.js';
import { variableName } from './environment.js';
import { written, writtenDefault } from './json-schema.js';
import { PROCESS_KEYS, UNSUPPORTED_KEYS } from './pushpin-keys.js';
import { findSetting, SETTINGS, type SettingEntry } from './schema.js';
import { SECTIONS } from './setting-table.js';
import { describeType } from './validate.js';

const GENERATED = 'Made by `npm run generate` from the tables in the source. Do not edit.';

/** Comments of the YAML file are broken at this width. */
const WIDTH = 100;

/** The text of docs/settings.md. */
export function settingsPage(): string {
  const sections = [...SECTIONS].map(([section, sentence]) => {
    const rows = SETTINGS.filter((entry) => entry.section === section).map(settingRow);
    return [
      `## ${section}`,
      '',
      sentence,
      '',
      '| setting | type | unit | default | pushpin.conf | meaning |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
      '',
    ].join('\n');
  });
  return [INTRODUCTION, ...sections, PUSHPIN_CONF].join('\n');
}

/** The text of docs/errors.md. */
export function errorsPage(): string {
  const entries = ERROR_CODES.map((code) => `## ${code}\n\n${hintOf(code)}\n`);
  return [
    '# Errors',
    '',
    `<!-- ${GENERATED} -->`,
    '',
    'Every failure that a person can meet has one of these codes, a sentence that says what happened, and a hint. Codes',
    'stay the same from version to version; sentences may become better. A program that embeds Holdfast finds them as',
    '`code`, `message` and `hint` of a `HoldfastError`. The command prints them and ends with exit code 1.',
    '',
    ...entries,
  ].join('\n');
}

/** The text of config/holdfast.yaml. */
export function holdfastYaml(): string {
  const sections = [...SECTIONS].map(([section, sentence]) => {
    const settings = SETTINGS.filter((entry) => entry.section === section);
    return ['', `# ${sentence}`, `${section}:`, settings.map(yamlSetting).join('\n\n')].join('\n');
  });
  return `${[YAML_HEAD, ...sections].join('\n')}\n`;
}

const EXAMPLE = findSetting('http.max_head_bytes');
const EXAMPLE_VARIABLE = EXAMPLE === undefined ? '' : variableName(EXAMPLE);

const INTRODUCTION = `# Settings

<!-- ${GENERATED} -->

Where a setting comes from, the later winning over the earlier:

1. The defaults below.
2. The configuration file: the one given with \`--config\`, else the first of \`config/holdfast.yaml\`, \`holdfast.yaml\`,
   \`config/pushpin.conf\` and \`pushpin.conf\` in the working directory. None is needed.
3. The environment. A variable is named \`HOLDFAST_\`, the section, two underscores, the key, all in capitals:
   \`${EXAMPLE_VARIABLE}=16384\` sets \`http.max_head_bytes\`.
4. \`--set path.to.key=value\`, such as \`--set http.max_head_bytes=16384\`.
5. The short flags \`--port\`, \`--route\`, \`--workers\`, \`--log-level\` and \`--verbose\`.

In the environment and with \`--set\`, the elements of a list are separated by commas (\`routes.lines\`: by line breaks), or the
list is written as a JSON array of strings. A list of one element may be written as that element alone everywhere.
Of \`routes.file\` and \`routes.lines\` the one from the later source holds; in the same source, the lines.

A file whose name ends in \`.conf\`, or that starts with an INI section, is read as a pushpin.conf. All others are YAML;
\`config/holdfast.schema.json\` is the schema for editors.
`;

const PUSHPIN_CONF = `## With a pushpin.conf

The column "pushpin.conf" names the key that stands for a setting, and what holds when the file leaves the key out, where
that is not the default of the first column. \`include\`, \`rundir\`, \`libdir\`, \`ipc_prefix\` and \`port_offset\` of \`[global]\`
do what they do in the original. A number or word that cannot be read falls back to the value for a missing key, with a
warning; only a wrong \`http_port\` ends the program.

These keys are not supported yet; each is named in a warning:
${keyList(UNSUPPORTED_KEYS)}

These keys, and those of the sockets between the original's processes, shape what does not exist here; one warning names
them together:
${keyList(PROCESS_KEYS)}
`;

const YAML_HEAD = `# yaml-language-server: $schema=./holdfast.schema.json
#
# Every setting of Holdfast with its type, unit and default. A line that starts with "#name:" shows the
# default: remove the "#" and change the value. Made by "npm run generate"; copy the file to change it.
# The environment, --set and the short flags win over it: see docs/settings.md.`;

function settingRow(entry: SettingEntry): string {
  const { path, type, unit, sentence } = entry;
  const cells = [
    `\`${path}\``,
    describeType(type),
    unit ?? '',
    `\`${flow(writtenDefault(entry))}\``,
    pushpinCell(entry),
    sentence,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function pushpinCell({ pushpin }: SettingEntry): string {
  if (pushpin === undefined) return '';
  const keys = pushpin.keys.map((key) => `\`[${pushpin.section}] ${key}\``).join(', ');
  return pushpin.absent === undefined ? keys : `${keys} (left out: \`${flow(written(pushpin.absent.value))}\`)`;
}

function keyList(keys: ReadonlySet<string>): string {
  return [...keys].map((path) => `\`[${path.replace('.', '] ')}\``).join(', ');
}

function yamlSetting(entry: SettingEntry): string {
  const unit = entry.unit === undefined ? '' : ` Unit: ${entry.unit}.`;
  const shown = flow(writtenDefault(entry));
  const facts = `Type: ${describeType(entry.type)}.${unit} Default: ${shown}`;
  const comment = [...wrapped(entry.sentence), ...wrapped(facts)].map((line) => `  # ${line}`);
  // A file without any live line would leave the reader to guess where the routes are.
  const live = entry.path === 'routes.file' ? '' : '#';
  return [...comment, `  ${live}${entry.key}: ${shown}`].join('\n');
}

/** A value on one line of YAML. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'string') return String(value);
  const plain = /^[A-Za-z0-9][A-Za-z0-9_./:-]*$/.test(value) && !/^(true|false|null|[0-9.]+)$/.test(value);
  return plain ? value : JSON.stringify(value);
}

function wrapped(sentence: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of sentence.split(' ')) {
    if (line !== '' && line.length + word.length >= WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
