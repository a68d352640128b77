import type { CellResult } from '../../src/notebook/results.js';
import { runNotebook, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';

const result = (text: string) => ({ type: 'execute_result', data: { 'text/plain': text }, metadata: {} });
const stdout = (text: string) => ({ type: 'stream', name: 'stdout', text });

async function runCells(
  profile: (typeof PROFILES)[number],
  ...sources: string[]
): Promise<readonly CellResult[]> {
  return (await runNotebook(profile, { cells: sources })).cells;
}

describe.each(PROFILES)('the cells of a notebook in %s', profile => {
  it('show values, printed text, tables and plots', async () => {
    const [first, table, plot] = await runCells(
      profile,
      `print("hello")\n6 * 7`,
      `import pandas as pd\npd.DataFrame({"a": [1, 2]})`,
      `import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()`
    );
    expect(first?.outputs).toEqual([stdout('hello\n'), result('42')]);
    expect(table?.outputs[0]).toMatchObject({
      type: 'execute_result',
      data: { 'text/plain': '   a\n0  1\n1  2', 'text/html': expect.stringContaining('<table') as string }
    });
    expect(plot?.outputs).toMatchObject([
      { type: 'display_data', data: { 'image/png': expect.stringMatching(/^iVBORw0KGgo/) as string } }
    ]);
  });

  it('use the font list of the image for plots', async () => {
    const [before, after] = await runCells(
      profile,
      `import os, pathlib\nfolder = pathlib.Path(os.environ["MPLCONFIGDIR"])\n[made] = folder.glob("fontlist-*.json")\nbefore = made.stat().st_mtime_ns, made.stat().st_ino\nlen(made.read_bytes()) > 1000`,
      `import matplotlib.font_manager\n(made.stat().st_mtime_ns, made.stat().st_ino) == before`
    );
    expect([before?.outputs, after?.outputs]).toEqual([[result('True')], [result('True')]]);
  });

  it('support updated and cleared displays', async () => {
    const [first, second, third] = await runCells(
      profile,
      `from IPython.display import display, HTML, clear_output, update_display\nh = display("a", display_id="x")\nNone`,
      `update_display(HTML("<b>b</b>"), display_id="x")`,
      `print("gone")\nclear_output()\nprint("kept")`
    );
    expect(first?.outputs).toMatchObject([{ type: 'display_data', data: { 'text/html': '<b>b</b>' } }]);
    expect(second?.outputs).toEqual([]);
    expect(third?.outputs).toEqual([stdout('kept\n')]);
  });

  it('show exceptions with class, line and traceback, and later cells run', async () => {
    const [broken, wrong, next] = await runCells(
      profile,
      `def fail():\n    raise ValueError("row 17")\n\nfail()`,
      `x = = 1`,
      `"still here"`
    );
    expect(broken?.status).toBe('error');
    expect(broken?.outputs).toMatchObject([
      {
        type: 'error',
        ename: 'ValueError',
        evalue: 'row 17',
        line: 4,
        bases: ['Exception', 'BaseException', 'object']
      }
    ]);
    expect(shown({ cells: broken === undefined ? [] : [broken] })).toContain('row 17');
    expect(wrong?.outputs).toMatchObject([{ type: 'error', ename: 'SyntaxError', line: 1 }]);
    expect(next?.outputs).toEqual([result("'still here'")]);
  });

  it('support magics, shell commands and await', async () => {
    const [bash, shell, captured, wait, magic, unknown] = await runCells(
      profile,
      `%%bash\necho from bash`,
      `!echo from shell; exit 3\n_exit_code`,
      `lines = !printf 'a\\nb'\nlines`,
      `import asyncio\nawait asyncio.sleep(0.01)\n"waited"`,
      `%%capture out\nprint("hidden")`,
      `%no_such_magic`
    );
    expect(bash?.outputs).toEqual([stdout('from bash\n')]);
    expect(shell?.outputs).toEqual([stdout('from shell\n'), result('3')]);
    expect(captured?.outputs).toEqual([result("['a', 'b']")]);
    expect(wait?.outputs).toEqual([result("'waited'")]);
    expect(magic?.outputs).toEqual([]);
    expect(unknown?.outputs).toMatchObject([{ type: 'error', ename: 'UsageError' }]);
  });

  it('keep the order of text from child processes and C code', async () => {
    const [cell] = await runCells(
      profile,
      `import os, subprocess\nprint("one")\nsubprocess.run(["echo", "two"])\nos.system("echo three; echo four")\nNone`
    );
    expect(cell?.outputs).toEqual([stdout('one\ntwo\nthree\nfour\n')]);
  });

  it('support processes and threads', async () => {
    const [pool, threads, background, after] = await runCells(
      profile,
      `import multiprocessing as mp\nwith mp.Pool(2) as pool:\n    print(pool.map(abs, [-1, -2]))`,
      `from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n    print(sum(pool.map(abs, range(10))))`,
      `import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.3), print("from the thread"))).start()`,
      `time.sleep(0.6)\nprint("after")`
    );
    expect(pool?.outputs).toEqual([stdout('[1, 2]\n')]);
    expect(threads?.outputs).toEqual([stdout('45\n')]);
    expect(background?.outputs).toEqual([]);
    expect(after?.outputs).toEqual([stdout('from the thread\nafter\n')]);
  });

  it('explain why unsupported features fail', async () => {
    const ran = await runCells(
      profile,
      `input("name? ")`,
      `import ipywidgets`,
      `import urllib.request\nurllib.request.urlopen("https://example.org")`,
      `import getpass\ngetpass.getpass()`,
      `exit()`
    );
    const messages = ran
      .map(cell => cell.outputs.at(-1))
      .map(output => (output?.type === 'error' ? output.evalue : ''));
    expect(messages).toEqual([
      expect.stringContaining('runs without one'),
      expect.stringContaining('needs a browser that is connected to the running notebook'),
      expect.stringContaining('has no network access'),
      expect.stringContaining('runs without one'),
      expect.stringContaining('always runs to its last cell')
    ]);
  });

  it('are counted by the supervisor, which skips empty cells', async () => {
    const ran = await runCells(profile, `1`, `   \n`, `get_ipython().execution_count = 900`, `1 / 0`);
    expect(ran.map(cell => cell.executionCount)).toEqual([1, null, 2, 3]);
    expect(ran[3]?.outputs).toMatchObject([
      { traceback: expect.arrayContaining([expect.stringContaining('In[3]')]) as string[] }
    ]);
    for (const cell of ran) expect(cell.endedAt).toBeGreaterThanOrEqual(cell.startedAt);
  });

  it('send values that JSON cannot represent', async () => {
    const [json, surrogate, bytes] = await runCells(
      profile,
      `display({"application/json": {"nan": float("nan"), 1: {1, 2}}}, raw=True)`,
      `print("a\\ud800b")`,
      `display({"image/png": b"\\x89PNG"}, raw=True)`
    );
    expect(json?.outputs).toMatchObject([{ data: { 'application/json': { nan: null, '1': '{1, 2}' } } }]);
    expect(surrogate?.outputs).toEqual([stdout('a?b\n')]);
    expect(bytes?.outputs).toMatchObject([{ data: { 'image/png': 'iVBORw==' } }]);
  });
});
