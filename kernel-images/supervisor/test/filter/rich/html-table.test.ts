import { linesOfHtml, readPlainHtml, writePlainHtml } from '../../../src/filter/rich/html-table.js';
import { Random } from '../../support/random.js';

const PANDAS = `<div>
<style scoped>
    .dataframe tbody tr th:only-of-type {
        vertical-align: middle;
    }
</style>
<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;">
      <th></th>
      <th>age</th>
      <th colspan="2" halign="left">cost &lt;EUR&gt;</th>
    </tr>
  </thead>
  <tbody>
    <tr>
      <th>mean</th>
      <td>45.1</td>
      <td>1.0</td>
      <td>NaN</td>
    </tr>
  </tbody>
</table>
<p>1 rows × 3 columns</p>
</div>`;

function rewrite(html: string): string | undefined {
  const blocks = readPlainHtml(html);
  return blocks === undefined ? undefined : writePlainHtml(blocks);
}

test('a pandas table is written again from its texts', () => {
  expect(rewrite(PANDAS)).toBe(`<table class="dataframe">
<thead>
<tr><th></th><th>age</th><th colspan="2">cost &lt;EUR&gt;</th></tr>
</thead>
<tbody>
<tr><th>mean</th><td>45.1</td><td>1.0</td><td>NaN</td></tr>
</tbody>
</table>
<p>1 rows × 3 columns</p>
`);
});

test('the texts of a table are listed row by row', () => {
  expect(linesOfHtml(readPlainHtml(PANDAS) ?? [])).toEqual([
    '\tage\tcost <EUR>',
    'mean\t45.1\t1.0\tNaN',
    '',
    '1 rows × 3 columns'
  ]);
});

test('several tables with captions, as statsmodels prints them, keep their order', () => {
  const html =
    '<table class="simpletable"><caption>OLS</caption><tr><th>R</th><td>0.5</td></tr></table><table><tr><td>x</td></tr></table><br/>Notes:<br/>[1] robust';
  expect(linesOfHtml(readPlainHtml(html) ?? [])).toEqual(['OLS', 'R\t0.5', '', 'x', '', 'Notes: [1] robust']);
});

describe('the rewritten table does not contain', () => {
  test.each([
    ['attributes', '<table><tr><td title="Ada, 36" data-row="1" style="display:none">1</td></tr></table>'],
    [
      'style sheets',
      '<style>td { background: url(https://example.org/?ada) }</style><table><tr><td>1</td></tr></table>'
    ],
    ['invisible characters', '<table><tr><td>1&#8203;&#x200d;\u202e</td></tr></table>']
  ])('%s', (_, html) => {
    expect(rewrite(html)).toBe(
      '<table class="dataframe">\n<tbody>\n<tr><td>1</td></tr>\n</tbody>\n</table>\n'
    );
  });
});

describe('readPlainHtml refuses', () => {
  test.each([
    ['a script', '<script>alert(1)</script><table><tr><td>1</td></tr></table>'],
    ['an image', '<table><tr><td><img src="https://example.org/x"></td></tr></table>'],
    ['a link', '<table><tr><td><a href="https://example.org">1</a></td></tr></table>'],
    ['an event handler in a broken tag', '<table onload="alert(1)" <tr><td>1</td></tr></table>'],
    ['a comment', '<table><tr><td>1<!-- Ada --></td></tr></table>'],
    ['a declaration', '<!DOCTYPE html><table><tr><td>1</td></tr></table>'],
    ['an iframe', '<iframe srcdoc="<table>"></iframe>'],
    ['svg', '<svg><table><tr><td>1</td></tr></table></svg>'],
    ['a form', '<form><table><tr><td>1</td></tr></table></form>'],
    ['a table in a table', '<table><tr><td><table><tr><td>1</td></tr></table></td></tr></table>'],
    ['a cell outside a row', '<table><td>1</td></table>'],
    ['a row outside a table', '<tr><td>1</td></tr>'],
    ['a table that is not closed', '<table><tr><td>1</td></tr>'],
    ['a style sheet that is not closed', '<style>td{}<table><tr><td>1</td></tr></table>'],
    ['an unknown entity', '<table><tr><td>&secret;</td></tr></table>'],
    ['a bare ampersand', '<table><tr><td>a & b</td></tr></table>'],
    ['a character that does not exist', '<table><tr><td>&#999999;&#xfffff;&#x110000;</td></tr></table>'],
    ['a very large span', '<table><tr><td colspan="99999">1</td></tr></table>'],
    ['HTML without a table', '<p>text</p>'],
    ['a quote in a tag', `<table class='a"b<'><tr><td>1</td></tr></table>`]
  ])('%s', (_, html) => {
    expect(readPlainHtml(html)).toBeUndefined();
  });
});

test('any HTML is rewritten to plain tables, which are rewritten to themselves', () => {
  const random = new Random(2);
  const parts: [string, ...string[]] = [
    '<table>',
    '</table>',
    '<tr>',
    '</tr>',
    '<td>',
    '</td>',
    '<th colspan="2">',
    '</th>',
    '<thead>',
    '</thead>',
    '<p>',
    '</p>',
    '<br>',
    '<b>',
    '</b>',
    '<style>',
    '</style>',
    '<script>',
    '<img src=x onerror=alert(1)>',
    '&lt;',
    '&#60;script&#62;',
    '<!--',
    '-->',
    'text',
    '1.5',
    '<',
    '>',
    '"',
    "'",
    '&',
    '\u202e',
    ' '
  ];
  let written = 0;
  for (let round = 0; round < 20_000; round++) {
    const middle = Array.from({ length: random.below(8) }, () => random.pick(parts)).join('');
    const html = random.below(2) === 0 ? middle : `<table><tr><td>${middle}</td></tr></table>`;
    const once = rewrite(html);
    if (once === undefined) continue;
    written++;
    expect(rewrite(once)).toBe(once);
    expect(
      once.replace(/<\/?(?:table(?: class="dataframe")?|thead|tbody|tr|p|t[dh](?: colspan="2")?)>/g, '')
    ).not.toMatch(/[<>]/);
  }
  expect(written).toBeGreaterThan(100);
});
