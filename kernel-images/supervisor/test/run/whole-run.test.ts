import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { runNonce, RUN_AUDIENCE } from '@clean-room/protocol/runs';
import { closeAll, notebook, results, run } from '../support/attempt.js';
import { PROFILES } from '../support/container.js';
import { makeWorld, type Table } from '../support/world.js';

const ROWS = 400;
const person = (index: number) => ['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan'][index % 5] ?? '';
const TABLE: readonly Table[] = [
  { name: 'age', data: Array.from({ length: ROWS }, (_, i) => 18 + ((i * 7919) % 73)), type: 'INT32' },
  {
    name: 'cost',
    data: Array.from({ length: ROWS }, (_, i) => ((i * 104_729) % 1_000_003) / 16),
    type: 'DOUBLE'
  },
  { name: 'ward', data: Array.from({ length: ROWS }, (_, i) => person(i)), type: 'STRING' },
  { name: 'stay', data: Array.from({ length: ROWS }, (_, i) => ((i * 613) % 997) / 8), type: 'DOUBLE' }
];

afterEach(closeAll);

describe.each(PROFILES)('a run in the profile %s', profile => {
  test('delivers an attested result of the measured notebook', async () => {
    const files = {
      'notebook.ipynb': notebook(
        'print("hello")',
        'import helper\nhelper.double(21)',
        'import json; json.load(open("/clean-room/parameters.json"))["folds"]'
      ),
      'helper.py': 'def double(x):\n    return 2 * x\n'
    };
    const finished = await run(profile, { withoutAssets: true, files });
    const { ended, server, launcher, world } = finished;
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });

    const { statement, notebook: filtered } = await results(finished);
    expect(statement.predicate).toMatchObject({
      spec: world.spec.digest,
      image: world.machine.image,
      sandbox: { profile },
      assets: [],
      cells: [
        { cell: 1, status: 'ok', outputs: [{ verdict: 'pass', reasons: [] }] },
        { cell: 2, status: 'ok', outputs: [{ verdict: 'pass', reasons: [] }] },
        { cell: 3, status: 'ok', outputs: [{ verdict: 'pass', reasons: [] }] }
      ]
    });
    expect(statement.predicate.failure).toBeUndefined();
    expect(filtered.cells.map(cell => cell.outputs?.[0]?.['text'] ?? cell.outputs?.[0]?.['data'])).toEqual([
      undefined,
      'hello\n',
      { 'text/plain': '42' },
      { 'text/plain': '5' }
    ]);
    expect(filtered.cells[0]).toMatchObject({ cell_type: 'markdown', source: '# Visits\nof last year' });
    expect(JSON.stringify(filtered)).not.toContain('not copied');

    const last = launcher.requests.at(-1);
    const bytes = fromBase64(server.result?.statement ?? '');
    expect(last).toEqual({ audience: RUN_AUDIENCE, token_type: 'PKI', nonces: [runNonce(digestOf(bytes))] });
    expect(server.progress.every(update => update.phase !== 'stopped')).toBe(true);
  });

  test('opens the asset for the notebook, releases aggregates and suppresses rows', async () => {
    const files = {
      'notebook.ipynb': notebook(
        'import hashlib\nprint(hashlib.sha256(open("/data/hospital/visits/data.parquet", "rb").read()).hexdigest()[:6])',
        'rows = eval(open("rows.txt").read())\nimport pandas as pd\ndf = pd.DataFrame(rows, columns=["age", "cost", "ward", "stay"])\nNone',
        'df.groupby("ward").cost.mean()',
        'df.head()',
        'raise ValueError(str(rows[0]))',
        'print("never")'
      ),
      'rows.txt': JSON.stringify(Array.from({ length: ROWS }, (_, i) => TABLE.map(column => column.data[i])))
    };
    const finished = await run(profile, { files, table: TABLE });
    expect(finished.ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const { statement, notebook: filtered } = await results(finished);
    expect(
      statement.predicate.cells.map(({ status, outputs }) => [
        status,
        ...outputs.map(({ verdict }) => verdict)
      ])
    ).toEqual([
      ['ok', 'pass'],
      ['ok'],
      ['ok', 'pass'],
      ['ok', 'suppressed'],
      ['error', 'transformed'],
      ['not-run']
    ]);
    expect(statement.predicate.failure).toEqual({
      class: 'notebook-error',
      cell: 5,
      line: 1,
      exception: 'ValueError'
    });
    expect(statement.predicate.assets).toMatchObject([
      { name: 'hospital/visits', version: finished.world.asset.digest }
    ]);
    expect(filtered.cells[5]?.outputs).toEqual([
      {
        output_type: 'error',
        ename: 'ValueError',
        evalue: 'cell 5, line 1',
        traceback: ['ValueError in cell 5, line 1']
      }
    ]);
    expect(JSON.stringify(filtered)).not.toContain(String(TABLE[1]?.data[3]));
    expect(finished.server.progress.map(({ phase }) => phase)).toContain('awaiting-keys');
  });

  test('encodes images again', async () => {
    const files = {
      'notebook.ipynb': notebook('import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);\nplt.title("means");')
    };
    const finished = await run(profile, { withoutAssets: true, files });
    const { statement, notebook: filtered } = await results(finished);
    expect(statement.predicate.cells[0]?.outputs).toEqual([
      { verdict: 'transformed', reasons: ['re-encoded'] }
    ]);
    const data = filtered.cells[1]?.outputs?.[0]?.['data'] as Record<string, string>;
    const png = Buffer.from(data['image/png'] ?? '', 'base64');
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.includes('Software')).toBe(false);
    expect(png.length).toBeGreaterThan(2000);
  });

  test('delivers a result for a notebook that exceeds the time limit', async () => {
    const runTerms = { wallSeconds: 8, memoryBytes: 2 ** 31, timeGridSeconds: 60, runs: 3, spareStarts: 1 };
    const finished = await run(profile, {
      files: { 'notebook.ipynb': notebook('print("before")', 'while True: pass', '1') },
      policy: { run: runTerms }
    });
    expect(finished.ended.code).toBe(0);
    const { statement } = await results(finished);
    expect(statement.predicate.failure).toEqual({ class: 'time-limit', cell: 2 });
    expect(statement.predicate.cells.map(({ status }) => status)).toEqual(['ok', 'interrupted', 'not-run']);
    expect(statement.predicate.startedAt).toMatch(/:00Z$/);
  });

  test('delivers a result for a notebook that kills its interpreter', async () => {
    const finished = await run(profile, {
      withoutAssets: true,
      files: { 'notebook.ipynb': notebook('import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)', '1') }
    });
    const { statement } = await results(finished);
    expect(statement.predicate.failure).toEqual({ class: 'process-crash', cell: 1 });
  });

  test('stops with a reason and without output when the job lacks an approval', async () => {
    const { server, ended } = await run(profile, {}, jobs => {
      jobs.changeJob = job => ({ ...job, approvals: [] });
    });
    expect(ended).toEqual({ code: 1, stdout: '', stderr: '' });
    expect(server.progress.at(-1)).toEqual({ phase: 'stopped', reason: 'approval-missing' });
    expect([server.messages.length, server.objects.size, server.result]).toEqual([0, 0, undefined]);
  });

  test('stops when the workspace in the image differs from the spec', async () => {
    const world = await makeWorld({ withoutAssets: true });
    const { server, ended } = await run(profile, {
      withoutAssets: true,
      spec: {
        workspace: [
          {
            path: 'notebook.ipynb',
            digest: digestOf(utf8('other')),
            bytes: world.spec.value.workspace[0]?.bytes ?? 0
          }
        ]
      }
    });
    expect(ended.code).toBe(1);
    expect(server.progress.at(-1)).toEqual({ phase: 'stopped', reason: 'digest-mismatch' });
    expect(server.calls.get('GET ')).toBeUndefined();
  });

  test('stops when the custodian refuses', async () => {
    const { server, ended } = await run(profile, {}, jobs => {
      jobs.reply = async () => ({ refused: 'attempts-spent' });
    });
    expect(ended.code).toBe(1);
    expect(server.progress.at(-1)).toEqual({ phase: 'stopped', reason: 'key-release-refused' });
  });
});
