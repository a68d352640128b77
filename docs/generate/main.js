/**
 * Writes the generated pages of the documentation. With `--check` it changes nothing and fails when a page is out of date
 * or when a link in any page leads to a file that does not exist.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandReference } from './commands.js';
import { formatReference } from './formats.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = { 'docs/cli.md': commandReference, 'docs/formats/reference.md': formatReference };
const check = process.argv.includes('--check');
const problems = [];

for (const [page, generate] of Object.entries(PAGES)) {
  const path = join(ROOT, page);
  const text = generate();
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text)
    problems.push(`${page} is out of date: run "npm run docs" and commit it.`);
}

function markdownFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const skipped =
        entry.name.startsWith('.') || ['node_modules', 'lib', 'labextension'].includes(entry.name);
      return skipped ? [] : markdownFiles(path);
    }
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

for (const page of markdownFiles(ROOT)) {
  for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(https?:|mailto:|#)/.test(target)) continue;
    if (!existsSync(join(dirname(page), target.split('#')[0])))
      problems.push(`${relative(ROOT, page)} links to ${target}, which does not exist.`);
  }
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
