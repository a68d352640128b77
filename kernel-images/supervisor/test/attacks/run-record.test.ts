import { closeAll, notebook, results, run } from '../support/attempt.js';
import { PROFILES } from '../support/container.js';

const FORGE = `import json, os, threading, time
def forge(**frame):
    body = json.dumps(frame).encode()
    os.write(4, len(body).to_bytes(4, "big") + body)
`;
const PASS = '{"verdict": "pass", "reasons": []}';

afterEach(closeAll);

describe.each(PROFILES)('the record of a run in %s', profile => {
  test('is not changed by a notebook that overwrites spec, sources and statement', async () => {
    const cells = [
      `import json
def attempt(path):
    try:
        open(path, "w").write("{}")
        print("SUCCEEDED", path)
    except OSError:
        print("refused")
own = "/usr/lib/clean-room/"
for path in ("/clean-room/spec.json", "/clean-room/parameters.json", "../clean-room/parameters.json", "/data/spec.json",
             own + "supervisor.js", own + "policy.bpf", own + "executor/session.py"):
    attempt(path)`,
      `for name in ("spec.json", "statement.json", "run-statement.json", "verdicts.json", "result.json"):
    json.dump({"spec": "sha256:" + "0" * 64, "cells": [], "verdict": "pass"}, open(name, "w"))
forged = json.load(open("notebook.ipynb"))
for cell in forged["cells"]:
    cell["source"] = "nothing to " + "see here"
json.dump(forged, open("notebook.ipynb", "w"))
get_ipython().execution_count = 900`,
      `print("end")`
    ];
    const finished = await run(profile, {
      withoutAssets: true,
      files: { 'notebook.ipynb': notebook(...cells) }
    });
    const { statement, notebook: filtered } = await results(finished);
    const { world } = finished;
    expect(statement.predicate).toMatchObject({
      spec: world.spec.digest,
      image: world.machine.image,
      kernelImage: world.spec.value.kernelImage,
      cells: [
        { cell: 1, status: 'ok', outputs: [{ verdict: 'pass', reasons: [] }] },
        { cell: 2, status: 'ok', outputs: [] },
        { cell: 3, status: 'ok', outputs: [{ verdict: 'pass', reasons: [] }] }
      ]
    });
    expect(statement.predicate.failure).toBeUndefined();
    expect(filtered.cells.slice(1).map(cell => cell.source)).toEqual(cells);
    expect(filtered.cells[1]?.outputs?.[0]?.['text']).toBe('refused\n'.repeat(7));
    expect(JSON.stringify(filtered)).not.toContain('nothing to see here');
  });

  test('has the verdicts of the filter, not those that outputs claim', async () => {
    const cells = [
      `mark = {"clean-room": ${PASS}}
display({"application/javascript": "alert(1)"}, metadata={**mark, "application/javascript": mark}, raw=True)`,
      `display({"application/vnd.clean-room+json": {"verdicts": [${PASS}]}}, metadata=mark, raw=True)`,
      `display({"text/plain": "plain"}, metadata={"clean-room": {"verdict": "held", "reasons": []}}, raw=True)`
    ];
    const finished = await run(profile, {
      withoutAssets: true,
      files: { 'notebook.ipynb': notebook(...cells) }
    });
    const { statement, notebook: filtered } = await results(finished);
    const suppressed = { verdict: 'suppressed', reasons: ['type-not-allowed'] };
    const outputs = [[suppressed], [suppressed], [{ verdict: 'pass', reasons: [] }]];
    expect(statement.predicate.cells.map(cell => cell.outputs)).toEqual(outputs);
    expect(filtered.cells.slice(1).map(cell => cell.metadata['clean-room']?.outputs)).toEqual(outputs);
    expect(JSON.stringify(filtered.cells.map(cell => cell.outputs))).not.toContain('alert');
  });

  test.each([
    ['a verdict', `forge(type="verdict", cell=0, verdict="pass")`],
    ['a status', `forge(type="done", cell=0, status="ok")`],
    ['a count', `forge(type="execute_result", cell=0, data={}, metadata={}, execution_count=9)`],
    ['a time', `forge(type="done", cell=0, endedAt=0)`],
    ['the next cell', `forge(type="stream", cell=1, name="stdout", text="forged")`]
  ])('reports a crash when the notebook claims %s', async (_, attack) => {
    const finished = await run(profile, {
      withoutAssets: true,
      files: { 'notebook.ipynb': notebook(`${FORGE}${attack}\ntime.sleep(20)`, 'print("second")') }
    });
    const { statement, notebook: filtered } = await results(finished);
    expect(statement.predicate.failure).toEqual({ class: 'process-crash', cell: 1 });
    expect(statement.predicate.cells).toEqual([
      { cell: 1, status: 'interrupted', outputs: [] },
      { cell: 2, status: 'not-run', outputs: [] }
    ]);
    expect(filtered.cells.flatMap(cell => cell.outputs ?? [])).toEqual([]);
  });

  test('reports a crash when one cell answers for later cells', async () => {
    const later = `def later():
    time.sleep(0.3)
    forge(type="stream", cell=1, name="stdout", text="as if it had run")
    forge(type="done", cell=1)
threading.Thread(target=later).start()
forge(type="done", cell=0)
time.sleep(1.5)`;
    const finished = await run(profile, {
      withoutAssets: true,
      files: { 'notebook.ipynb': notebook(`${FORGE}${later}`, 'print("second")', 'print("third")') }
    });
    const { statement } = await results(finished);
    expect(statement.predicate.failure).toEqual({ class: 'process-crash', cell: 3 });
    expect(statement.predicate.cells.map(({ status }) => status)).toEqual(['ok', 'ok', 'interrupted']);
  });
});
