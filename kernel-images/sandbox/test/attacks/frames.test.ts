import { runNotebook, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';

/** Python functions that write arbitrary bytes to the frame pipe, as any code in the interpreter can. */
const FORGE = `
import json, os
def raw(data): os.write(4, data)
def forge(**frame):
    body = json.dumps(frame).encode()
    raw(len(body).to_bytes(4, "big") + body)
`;

describe.each(PROFILES)('a notebook in %s that forges frames', profile => {
  it('can only add outputs to its own cell, as it can by printing', async () => {
    const run = await runNotebook(profile, {
      cells: [`${FORGE}\nforge(type="stream", cell=0, name="stdout", text="forged")`, '2']
    });
    expect(shown(run)).toContain('forged');
    expect(run.end.why).toBe('closed');
  });

  it.each([
    ['a frame for another cell', `forge(type="stream", cell=1, name="stdout", text="forged")`],
    ['a frame for an earlier cell', `forge(type="stream", cell=-1, name="stdout", text="forged")`],
    ['an unknown type', `forge(type="verdict", cell=0, verdict="pass")`],
    ['an unknown field', `forge(type="done", cell=0, status="ok")`],
    ['a second ready frame', `forge(type="ready")`],
    [
      'its own execution count',
      `forge(type="execute_result", cell=0, data={}, metadata={}, execution_count=99)`
    ],
    [
      'an invalid MIME type',
      `forge(type="display_data", cell=0, data={"__proto__": "x"}, metadata={}, displayId=None)`
    ],
    [
      'a value that is not text',
      `forge(type="display_data", cell=0, data={"text/html": {"a": 1}}, metadata={}, displayId=None)`
    ],
    ['an unknown stream name', `forge(type="stream", cell=0, name="frames", text="x")`],
    ['bytes that are not UTF-8', `raw(b"\\0\\0\\0\\2\\xff\\xfe")`],
    ['text that is not JSON', `raw(b"\\0\\0\\0\\4null" b"\\0\\0\\0\\3NaN")`],
    ['arrays that are nested too deeply', `raw((200000).to_bytes(4, "big") + b"[" * 100000 + b"]" * 100000)`],
    [
      'objects that are nested too deeply',
      `raw((700000).to_bytes(4, "big") + (b'{"a":' * 100000 + b"1" + b"}" * 100000).ljust(700000))`
    ]
  ])('ends the run when it sends %s', async (_, attack) => {
    const run = await runNotebook(profile, {
      cells: [`${FORGE}\n${attack}\nimport time; time.sleep(20)`, '"second"']
    });
    expect(run.end.why).toBe('protocol');
    expect(run.cells).toHaveLength(1);
    expect(shown(run)).not.toContain('forged');
    expect(run.end.seconds).toBeLessThan(15);
  });

  it('ends the run when it sends a frame that is too long', async () => {
    const run = await runNotebook(profile, {
      cells: [`${FORGE}\nraw(b"\\xff\\xff\\xff\\xff")\nimport time; time.sleep(20)`]
    });
    expect(run.end.why).toBe('output');
  });

  it('is subject to its time limit when it sends an incomplete frame', async () => {
    const run = await runNotebook(profile, {
      cells: [`${FORGE}\nraw(b"\\0\\0\\1\\0{")`],
      limits: { cellSeconds: 2 }
    });
    expect(['cell-time', 'protocol']).toContain(run.end.why);
    expect(run.cells[0]?.status).toBe('ended');
  });

  it('ends the run when it sends a frame after its done frame', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${FORGE}\nforge(type="done", cell=0)\nforge(type="stream", cell=0, name="stdout", text="late")`,
        '"second"'
      ]
    });
    expect(run.end.why).toBe('protocol');
    expect(shown(run)).not.toContain('late');
  });

  it('ends the run when it sends frames for a cell while its own code still runs', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${FORGE}
import threading, time
def later():
    time.sleep(0.3)
    forge(type="execute_result", cell=1, data={"text/plain": "'forged result'"}, metadata={})
    forge(type="done", cell=1)
threading.Thread(target=later).start()
forge(type="done", cell=0)
time.sleep(1.5)`,
        `"second"`,
        `"third"`
      ]
    });
    expect(run.end.why).toBe('protocol');
    expect(run.cells.map(cell => [cell.executionCount, cell.status])).toEqual([
      [1, 'ok'],
      [2, 'ok'],
      [3, 'ended']
    ]);
  });

  it('keeps its pipes when a forked child continues to run', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `import os\nchild = os.fork()\nprint("in", "child" if child == 0 else "parent")`,
        `1 + 1`,
        `2 + 2`
      ]
    });
    expect(run.cells.map(cell => cell.status)).toEqual(['ok', 'ok', 'ok']);
    expect(shown(run)).toContain('in parent');
    expect(run.cells[2]?.outputs).toEqual([
      { type: 'execute_result', data: { 'text/plain': '4' }, metadata: {} }
    ]);
  });

  it('ends the run when it closes or replaces the pipes', async () => {
    const closed = await runNotebook(profile, {
      cells: [`import os\nos.close(4)`],
      limits: { cellSeconds: 2 }
    });
    expect(closed.cells[0]?.status).toBe('ended');
    const stolen = await runNotebook(profile, {
      cells: [`import os\nos.dup2(os.open("/dev/null", os.O_RDONLY), 3)`, '1']
    });
    expect(stolen.cells.map(cell => cell.status)).toEqual(['ok', 'ended']);
    expect(stolen.end).toMatchObject({ why: 'exit', code: 0 });
  });

  it('is reported with its exit code or signal when the interpreter dies', async () => {
    const exit = await runNotebook(profile, { cells: [`import os; os._exit(7)`] });
    expect(exit.end).toMatchObject({ why: 'exit', code: 7, signal: null });
    const crash = await runNotebook(profile, { cells: [`import ctypes; ctypes.string_at(0)`] });
    expect(crash.end).toMatchObject({ why: 'exit', code: null, signal: 11 });
    const foreign = await runNotebook(profile, {
      cells: [`import ctypes; ctypes.CDLL(None).syscall(0x40000000)`]
    });
    expect(foreign.end).toMatchObject({ why: 'exit', code: null, signal: 31 });
  });
});
