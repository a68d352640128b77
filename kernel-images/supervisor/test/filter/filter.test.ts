import type { RawOutput } from '@clean-room/sandbox';
import type { OutputTerms } from '@clean-room/protocol/policies';
import { EXCEPTION_CLASSES } from '@clean-room/protocol/runs';
import { filterRun, type FilterRules, type FilteredOutput } from '../../src/filter/filter.js';
import type { Pixels } from '../../src/filter/rich/image.js';
import { datasetOf, makeVisits, type Rows } from '../support/datasets.js';
import { rowsAt } from '../support/printing.js';
import { Random } from '../support/random.js';

const TERMS: OutputTerms = {
  mimeTypes: ['text/plain', 'text/html', 'text/markdown', 'text/latex', 'application/json', 'image/png'],
  bytesPerOutput: 65_536,
  bytesPerRun: 200_000,
  outputsPerRun: 50,
  review: 'none',
  valuesPerRow: 3
};
const VISITS = makeVisits(500);
const PIXELS: Pixels = { width: 2, height: 2, rgba: new Uint8Array(16).fill(200) };

function rules(change: Partial<FilterRules> = {}): FilterRules {
  return { terms: TERMS, datasets: [], reviewing: new Set(), decode: async () => PIXELS, ...change };
}

const stream = (text: string): RawOutput => ({ type: 'stream', name: 'stdout', text });
const display = (data: Extract<RawOutput, { type: 'display_data' }>['data']): RawOutput => ({
  type: 'display_data',
  data,
  metadata: { 'image/png': { width: 123, height: 45 } }
});
const error = (change: Partial<Extract<RawOutput, { type: 'error' }>> = {}): RawOutput => ({
  type: 'error',
  ename: 'ValueError',
  evalue: 'Ada Lovelace, 36',
  traceback: ['\u001b[31mAda Lovelace, 36'],
  bases: ['Exception'],
  line: 2,
  ...change
});

async function filter(
  outputs: readonly RawOutput[],
  change: Partial<FilterRules> = {}
): Promise<readonly FilteredOutput[]> {
  const cells = [{ cell: 3, source: 'a = 1\nraise ValueError(a)', outputs }];
  return (await filterRun(cells, rules(change)))[0]?.outputs ?? [];
}

async function filterOne(output: RawOutput, change: Partial<FilterRules> = {}): Promise<FilteredOutput> {
  const [filtered] = await filter([output], change);
  if (filtered === undefined) throw new Error('no verdict');
  return filtered;
}

describe('plain content', () => {
  test('passes unchanged', async () => {
    expect(await filterOne(stream('mean 4.2\n'))).toEqual({
      mark: { verdict: 'pass', reasons: [] },
      output: { output_type: 'stream', name: 'stdout', text: 'mean 4.2\n' }
    });
  });

  test('loses its metadata and execution count', async () => {
    const { output } = await filterOne({
      type: 'execute_result',
      data: { 'text/plain': '42' },
      metadata: { 'text/plain': { width: 7 } }
    });
    expect(output).toEqual({
      output_type: 'execute_result',
      data: { 'text/plain': '42' },
      metadata: {},
      execution_count: null
    });
  });

  test('is cleaned, and the verdict says so', async () => {
    const { mark, output } = await filterOne(stream('a\u200bb'));
    expect([mark, output]).toEqual([
      { verdict: 'transformed', reasons: ['cleaned'] },
      { output_type: 'stream', name: 'stdout', text: 'ab' }
    ]);
  });

  test('in JSON has its texts cleaned', async () => {
    const { mark, output } = await filterOne(
      display({ 'application/json': { mean: 4.5, note: 'a\u202eb' } })
    );
    expect(mark.reasons).toEqual(['cleaned']);
    expect(output).toMatchObject({ data: { 'application/json': { mean: 4.5, note: 'ab' } } });
  });

  test('in Markdown or LaTeX passes only without links, images and HTML', async () => {
    expect((await filterOne(display({ 'text/markdown': '**mean** 4.5' }))).mark.verdict).toBe('pass');
    expect((await filterOne(display({ 'text/latex': '$\\frac{1}{2}$' }))).mark.verdict).toBe('pass');
    for (const text of [
      '![x](https://example.org/?a)',
      '[a][b]\n\n[b]: x',
      '<img src=x>',
      'a&lt;b',
      '<https://example.org>'
    ]) {
      expect((await filterOne(display({ 'text/markdown': text }))).mark).toEqual({
        verdict: 'suppressed',
        reasons: ['not-plain']
      });
    }
    for (const text of [
      '\\href{https://example.org}{a}',
      '\\unicode{x200b}',
      '\\color{white} 36',
      '\\phantom{36}'
    ]) {
      expect((await filterOne(display({ 'text/latex': text }))).mark.verdict).toBe('suppressed');
    }
  });
});

describe('images', () => {
  test('are always encoded again', async () => {
    const png = Buffer.from('not really').toString('base64');
    const { mark, output } = await filterOne(
      display({ 'image/png': png, 'text/plain': '<Figure size 640x480 with 1 Axes>' })
    );
    expect(mark).toEqual({ verdict: 'transformed', reasons: ['re-encoded'] });
    const data = (output as { data: Record<string, string> }).data;
    expect(Object.keys(data)).toEqual(['image/png', 'text/plain']);
    expect(data['image/png']).not.toBe(png);
  });

  test.each<[string, FilterRules['decode'], string]>([
    ['that cannot be decoded', async () => Promise.reject(new Error('Ada')), 'aGk='],
    ['that are not base64', async () => PIXELS, 'not base64!'],
    ['with missing pixels', async () => ({ ...PIXELS, width: 9 }), 'aGk='],
    ['that are too large', async () => ({ width: 9000, height: 1, rgba: new Uint8Array(36_000) }), 'aGk=']
  ])('%s are suppressed', async (_, decode, base64) => {
    expect((await filterOne(display({ 'image/png': base64 }), { decode })).mark).toEqual({
      verdict: 'suppressed',
      reasons: ['not-plain']
    });
  });

  test('in JPEG become PNG if the policy allows both types', async () => {
    const jpeg = display({ 'image/jpeg': 'aGk=' });
    expect((await filterOne(jpeg)).mark.reasons).toEqual(['type-not-allowed']);
    const terms = { ...TERMS, mimeTypes: ['image/jpeg', 'image/png'] };
    expect((await filterOne(jpeg, { terms })).output).toMatchObject({
      data: { 'image/png': expect.any(String) as string }
    });
    expect((await filterOne(jpeg, { terms: { ...TERMS, mimeTypes: ['image/jpeg'] } })).mark.verdict).toBe(
      'suppressed'
    );
  });
});

describe('content that cannot be made plain', () => {
  test.each([
    ['text/html', '<script>fetch("https://example.org")</script>'],
    ['text/html', '<iframe srcdoc="x"></iframe>'],
    ['text/plain', Buffer.alloc(90, 'kdj38fh1').toString('base64')]
  ])('in %s is suppressed with a reason', async (mime, content) => {
    const { mark, output } = await filterOne(display({ [mime]: content }));
    expect(mark).toEqual({ verdict: 'suppressed', reasons: ['not-plain'] });
    expect(JSON.stringify(output)).not.toContain(content.slice(0, 20));
  });

  test.each([
    'image/svg+xml',
    'application/javascript',
    'application/pdf',
    'application/vnd.jupyter.widget-view+json',
    'application/vnd.plotly.v1+json',
    'video/mp4'
  ])('in %s is suppressed even if a policy allows the type', async mime => {
    const value = mime.endsWith('json') ? { data: [36] } : 'content';
    expect((await filterOne(display({ [mime]: value }))).mark).toEqual({
      verdict: 'suppressed',
      reasons: ['type-not-allowed']
    });
    const terms = { ...TERMS, mimeTypes: [mime] };
    expect((await filterOne(display({ [mime]: value }), { terms })).mark).toEqual({
      verdict: 'suppressed',
      reasons: ['not-plain']
    });
  });

  test('is removed, and the plain text of the same output is kept', async () => {
    const { mark, output } = await filterOne(
      display({ 'text/html': '<div onclick=x>1</div>', 'text/plain': 'LogisticRegression()' })
    );
    expect(mark).toEqual({ verdict: 'transformed', reasons: ['cleaned'] });
    expect(output).toMatchObject({ data: { 'text/plain': 'LogisticRegression()' } });
  });

  test('includes every output if a policy allows no types', async () => {
    const filtered = await filter([stream('a'), display({ 'text/plain': 'b' })], {
      terms: { ...TERMS, mimeTypes: [] }
    });
    expect(filtered.map(({ mark }) => mark.verdict)).toEqual(['suppressed', 'suppressed']);
  });
});

describe('errors', () => {
  test('are reduced to class, cell and line', async () => {
    const { mark, output } = await filterOne(error());
    expect(mark).toEqual({ verdict: 'transformed', reasons: ['error-reduced'] });
    expect(output).toEqual({
      output_type: 'error',
      ename: 'ValueError',
      evalue: 'cell 3, line 2',
      traceback: ['ValueError in cell 3, line 2']
    });
  });

  test.each<[string, Partial<Extract<RawOutput, { type: 'error' }>>, string]>([
    [
      'show the nearest listed ancestor of a class that the notebook defines',
      { ename: 'Ada36', bases: ['Grace', 'KeyError', 'LookupError'] },
      'KeyError in cell 3, line 2'
    ],
    [
      'show Exception for a class without listed ancestors',
      { ename: 'Ada36', bases: ['BaseException'] },
      'Exception in cell 3, line 2'
    ],
    [
      'show Exception for a class name that contains other text',
      { ename: 'ValueError\nAda', bases: [] },
      'Exception in cell 3, line 2'
    ],
    ['omit a line number beyond the end of the source', { line: 36 }, 'ValueError in cell 3'],
    ['omit a line number below 1', { line: 0 }, 'ValueError in cell 3'],
    ['omit the line when none is known', { line: null }, 'ValueError in cell 3']
  ])('%s', async (_, change, shown) => {
    expect((await filterOne(error(change))).output).toMatchObject({ traceback: [shown] });
  });

  test('reveal only a listed class and an existing line for any input', async () => {
    const random = new Random(6);
    for (let round = 0; round < 300; round++) {
      const claimed = error({
        ename: random.text(20),
        evalue: random.text(50),
        traceback: [random.text(50)],
        bases: [random.text(9), random.text(9)],
        line: random.below(2 ** 31)
      });
      const { output } = await filterOne(claimed);
      expect(
        output.output_type === 'error' && (EXCEPTION_CLASSES as readonly string[]).includes(output.ename)
      ).toBe(true);
      expect(JSON.stringify(output)).toMatch(
        /^\{"output_type":"error","ename":"[A-Za-z]+","evalue":"cell 3(, line [12])?","traceback":\["[A-Za-z]+ in cell 3(, line [12])?"\]\}$/
      );
    }
  });
});

describe('limits', () => {
  test('an output that is too large is suppressed, later ones may pass', async () => {
    const filtered = await filter([stream('x\n'.repeat(40_000)), stream('small')]);
    expect(filtered.map(({ mark }) => mark)).toEqual([
      { verdict: 'suppressed', reasons: ['too-large'] },
      { verdict: 'pass', reasons: [] }
    ]);
  });

  test('the total size of the outputs is limited', async () => {
    const filtered = await filter(Array.from({ length: 6 }, () => stream('word '.repeat(10_000).trim())));
    expect(filtered.filter(({ mark }) => mark.verdict === 'pass').length).toBe(3);
  });

  test('the number of outputs beyond the limit is not revealed', async () => {
    const count = async (outputs: number) =>
      (await filter(Array.from({ length: outputs }, (_, index) => stream(`${index}`)))).length;
    expect([await count(49), await count(60), await count(900)]).toEqual([49, 51, 51]);
  });
});

describe('rows of data', () => {
  const visits = datasetOf('hospital/visits', VISITS);
  const html = (table: Rows) =>
    `<table><tr>${table.names.map(name => `<th>${name}</th>`).join('')}</tr>${table.rows
      .slice(0, 4)
      .map(row => `<tr>${row.map(value => `<td>${value}</td>`).join('')}</tr>`)
      .join('')}</table>`;

  test.each<[string, RawOutput]>([
    ['in a stream', stream(rowsAt(VISITS, 0, 4))],
    ['in a table', display({ 'text/html': html(VISITS), 'text/plain': 'a table' })],
    [
      'in the plain text of an output with a harmless table',
      display({ 'text/html': '<table><tr><td>1</td></tr></table>', 'text/plain': rowsAt(VISITS, 7, 9) })
    ],
    ['in JSON', display({ 'application/json': VISITS.rows.slice(5, 7).map(row => [...row]) })],
    [
      'in JSON as objects',
      display({
        'application/json': Object.fromEntries(
          VISITS.names.map((name, i) => [name, VISITS.rows[9]?.[i] ?? null])
        )
      })
    ],
    [
      'in markdown',
      display({
        'text/markdown': VISITS.rows
          .slice(0, 3)
          .map(row => `| ${row.join(' | ')} |`)
          .join('\n')
      })
    ],
    ['between invisible characters', stream(rowsAt(VISITS, 0, 4).replace(/(\d)/g, '$1\u200b'))],
    [
      'in full-width digits',
      stream(rowsAt(VISITS, 0, 4).replace(/\d/g, digit => String.fromCodePoint(0xff10 + Number(digit))))
    ]
  ])('%s are suppressed', async (_, output) => {
    const { mark, output: written } = await filterOne(output, { datasets: [visits] });
    expect(mark).toEqual({ verdict: 'suppressed', reasons: ['rows-of-data'] });
    expect(written).toMatchObject({ output_type: 'display_data', metadata: { 'clean-room': mark } });
  });

  test('are held only for their provider if it reviews outputs', async () => {
    const output = stream(rowsAt(VISITS, 0, 4));
    const held = await filterOne(output, { datasets: [visits], reviewing: new Set(['hospital']) });
    expect(held.mark).toEqual({ verdict: 'held', reasons: ['rows-of-data'] });
    expect(held.held).toMatchObject({ party: 'hospital', output: { output_type: 'stream' } });
    expect(JSON.stringify(held.output)).not.toContain(String(VISITS.rows[0]?.[6]));

    const ofOther = await filterOne(output, { datasets: [visits], reviewing: new Set(['insurer']) });
    expect([ofOther.mark.verdict, ofOther.held]).toEqual(['suppressed', undefined]);
  });

  test('of two providers are suppressed even if both review outputs', async () => {
    const datasets = [visits, datasetOf('insurer/claims', VISITS)];
    const { mark, held } = await filterOne(stream(rowsAt(VISITS, 0, 4)), {
      datasets,
      reviewing: new Set(['hospital', 'insurer'])
    });
    expect([mark.verdict, held]).toEqual(['suppressed', undefined]);
  });
});

test('any output gets a verdict, and a suppressed one is replaced completely', async () => {
  const random = new Random(7);
  const mimes: [string, ...string[]] = [
    'text/plain',
    'text/html',
    'image/png',
    'application/json',
    'application/x-made-up',
    'text/latex'
  ];
  for (let round = 0; round < 200; round++) {
    const data = Object.fromEntries(
      Array.from({ length: 1 + random.below(4) }, () => {
        const mime = random.pick(mimes);
        return [mime, mime.endsWith('json') ? [random.text(30), random.next()] : random.text(80)];
      })
    );
    const { mark, output } = await filterOne(
      random.below(2) === 0 ? display(data) : { type: 'execute_result', data, metadata: {} }
    );
    expect(['pass', 'transformed', 'suppressed']).toContain(mark.verdict);
    expect(JSON.stringify(output)).toBe(JSON.stringify(output).toWellFormed());
    if (mark.verdict === 'suppressed')
      expect(Object.keys((output as { data: object }).data)).toEqual(['text/plain']);
  }
});
