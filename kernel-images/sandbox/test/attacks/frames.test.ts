import { runNotebook, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';

/** Writes whatever it likes on the frame pipe, as any code in the interpreter can. */
const FORGE = `
import json, os
def raw(data): os.write(4, data)
def forge(**frame):
    body = json.dumps(frame).encode()
    raw(len(body).to_bytes(4, "big") + body)
`;

describe.each(PROFILES)('a notebook in %s that forges frames', profile => {
  it('can add outputs to its own cell, as it can by printing', async () => {
    const answer = await runNotebook(profile, {
      cells: [`${FORGE}\nforge(type="stream", cell=0, name="stdout", text="forged")`, '2']
    });
    expect(shown(answer)).toContain('forged');
    expect(answer.end.why).toBe('closed');
  });

  it.each([
    ['a frame for another cell', `forge(type="stream", cell=1, name="stdout", text="forged")`],
    ['a frame for a cell before', `forge(type="stream", cell=-1, name="stdout", text="forged")`],
    ['an unknown type', `forge(type="verdict", cell=0, verdict="pass")`],
    ['an unknown field', `forge(type="done", cell=0, status="ok")`],
    ['a second start', `forge(type="ready")`],
    ['its own count', `forge(type="execute_result", cell=0, data={}, metadata={}, execution_count=99)`],
    [
      'a MIME type that is none',
      `forge(type="display_data", cell=0, data={"__proto__": "x"}, metadata={}, displayId=None)`
    ],
    [
      'a value that is no text',
      `forge(type="display_data", cell=0, data={"text/html": {"a": 1}}, metadata={}, displayId=None)`
    ],
    ['a stream that is none', `forge(type="stream", cell=0, name="frames", text="x")`],
    ['bytes that are no text', `raw(b"\\0\\0\\0\\2\\xff\\xfe")`],
    ['text that is no JSON', `raw(b"\\0\\0\\0\\4null" b"\\0\\0\\0\\3NaN")`],
    ['arrays without end', `raw((200000).to_bytes(4, "big") + b"[" * 100000 + b"]" * 100000)`],
    [
      'objects without end',
      `raw((700000).to_bytes(4, "big") + (b'{"a":' * 100000 + b"1" + b"}" * 100000).ljust(700000))`
    ]
  ])('ends the run by %s', async (_, attack) => {
    const answer = await runNotebook(profile, {
      cells: [`${FORGE}\n${attack}\nimport time; time.sleep(20)`, '"second"']
    });
    expect(answer.end.why).toBe('protocol');
    expect(answer.cells).toHaveLength(1);
    expect(shown(answer)).not.toContain('forged');
    expect(answer.end.seconds).toBeLessThan(15);
  });

  it('ends the run by a frame that is too long', async () => {
    const answer = await runNotebook(profile, {
      cells: [`${FORGE}\nraw(b"\\xff\\xff\\xff\\xff")\nimport time; time.sleep(20)`]
    });
    expect(answer.end.why).toBe('output');
  });

  it('is held to its time when a frame never ends', async () => {
    const answer = await runNotebook(profile, {
      cells: [`${FORGE}\nraw(b"\\0\\0\\1\\0{")`],
      limits: { cellSeconds: 2 }
    });
    expect(['cell-time', 'protocol']).toContain(answer.end.why);
    expect(answer.cells[0]?.status).toBe('ended');
  });

  it('only moves on by saying "done", and ends the run by what comes after', async () => {
    const answer = await runNotebook(profile, {
      cells: [
        `${FORGE}\nforge(type="done", cell=0)\nforge(type="stream", cell=0, name="stdout", text="late")`,
        '"second"'
      ]
    });
    expect(answer.end.why).toBe('protocol');
    expect(shown(answer)).not.toContain('late');
  });

  it('is found out when it answers for cells while another still runs', async () => {
    const answer = await runNotebook(profile, {
      cells: [
        `${FORGE}
import threading, time
def later():
    time.sleep(0.3)
    forge(type="execute_result", cell=1, data={"text/plain": "'mine all the same'"}, metadata={})
    forge(type="done", cell=1)
threading.Thread(target=later).start()
forge(type="done", cell=0)
time.sleep(1.5)`,
        `"second"`,
        `"third"`
      ]
    });
    expect(answer.end.why).toBe('protocol');
    expect(answer.cells.map(cell => [cell.executionCount, cell.status])).toEqual([
      [1, 'ok'],
      [2, 'ok'],
      [3, 'ended']
    ]);
  });

  it('does not lose its pipes to a child that stays behind after a fork', async () => {
    const answer = await runNotebook(profile, {
      cells: [
        `import os\nchild = os.fork()\nprint("in", "child" if child == 0 else "parent")`,
        `1 + 1`,
        `2 + 2`
      ]
    });
    expect(answer.cells.map(cell => cell.status)).toEqual(['ok', 'ok', 'ok']);
    expect(shown(answer)).toContain('in parent');
    expect(answer.cells[2]?.outputs).toEqual([
      { type: 'execute_result', data: { 'text/plain': '4' }, metadata: {} }
    ]);
  });

  it('ends the run by closing or stealing the pipes', async () => {
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

  it('is told apart by signal and code when it dies', async () => {
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
