import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand } from '../../src/cli/program.js';
import { decideTable } from '../../src/cli/tables/decide.js';
import type { Terminal } from '../../src/cli/terminal/terminal.js';
import { Home } from '../../src/cli/home/home.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clean-room-inspect-'));
  const rows = Array.from({ length: 40 }, (_, row) => `${row % 8 === 0 ? '?' : row};${row},5`);
  await writeFile(path.join(folder, 'visits.csv'), ['age;cost', ...rows].join('\n'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Returns a terminal that answers questions in order, and what it has shown. */
function terminalWith(answers: readonly string[]): { terminal: Terminal; out: string[]; err: string[] } {
  const [out, err, left]: [string[], string[], string[]] = [[], [], [...answers]];
  const terminal: Terminal = {
    print: line => void out.push(line),
    remark: line => void err.push(line),
    readInput: async () => new Uint8Array(),
    ask: async () => left.shift(),
    env: { HOME: folder, CLEAN_ROOM_HOME: path.join(folder, 'home') },
    folder,
    now: () => new Date(),
    stopped: new AbortController().signal
  };
  return { terminal, out, err };
}

function decide(answers: readonly string[], yes: boolean, options = {}) {
  const { terminal, err } = terminalWith(answers);
  const decided = decideTable({ terminal, home: new Home(terminal) }, ['visits.csv'], options, yes);
  return { decided, err };
}

describe('clean-room inspect', () => {
  it('shows dialect, rows, schema and questions without a server', async () => {
    const { terminal, out } = terminalWith([]);
    expect(await runCommand(['inspect', 'visits.csv'], terminal)).toBe(0);
    const text = out.join('\n');
    expect(text).toContain('40 rows and 2 columns (utf-8, values separated by semicolon, with a header)');
    expect(text).toContain('  cost: number, 0 to 40');
    expect(text).toContain('Column "age" (integer) contains "?" (5).');
    expect(text).toContain('--answer "missing:age=…"');
  });

  it('prints JSON for programs', async () => {
    const { terminal, out } = terminalWith([]);
    const args = ['inspect', 'visits.csv', '--json', '--answer', 'missing:age=missing'];
    expect(await runCommand(args, terminal)).toBe(0);
    expect(JSON.parse(out.join('\n'))).toMatchObject({
      rows: 40,
      dialect: { delimiter: ';' },
      questions: [],
      columns: [{ name: 'age', type: 'integer', nullable: true }, { name: 'cost' }]
    });
  });

  it('names what is wrong with an option', async () => {
    const { terminal, err } = terminalWith([]);
    expect(await runCommand(['inspect', 'visits.csv', '--dialect', 'delimiter=x'], terminal)).toBe(1);
    expect(err.join('\n')).toContain('--dialect delimiter is not valid');
  });
});

describe('the questions of clean-room provision', () => {
  it('are asked with a proposal until the answer is a choice', async () => {
    const { decided, err } = decide(['perhaps', ''], false);
    const { inspection } = await decided;
    expect(inspection.questions).toEqual([]);
    expect(inspection.schema.columns[0]).toMatchObject({ type: 'integer', nullable: true });
    expect(err).toContain('Choose one of missing, text, leave-out, stop.');
  });

  it('are listed when --yes would lose something', async () => {
    const { decided } = decide([], true);
    await expect(decided).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Answer missing:age with missing, text, leave-out, stop.')
    });
  });

  it('can be answered in a schema file under version control', async () => {
    await writeFile(
      path.join(folder, 'schema.yaml'),
      'description: Visits\nanswers: { "missing:age": text }\n'
    );
    const { decided } = decide([], true, { schema: 'schema.yaml' });
    const { inspection, description } = await decided;
    expect(description).toBe('Visits');
    expect(inspection.schema.columns[0]).toMatchObject({ name: 'age', type: 'text' });
  });
});
