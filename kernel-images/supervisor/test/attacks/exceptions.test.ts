import { EXCEPTION_CLASSES } from '@clean-room/protocol/runs';
import { closeAll, notebook, results, run } from '../support/attempt.js';
import { PROFILES } from '../support/container.js';

/** Builds a text that no source contains literally, so that any occurrence of it in the results came from the run. */
const HIDDEN = 'secret = "SMUGG" + "LED"\n';

const FORGE = `import json, os
def forge(**frame):
    body = json.dumps(frame).encode()
    os.write(4, len(body).to_bytes(4, "big") + body)
`;

afterEach(closeAll);

describe.each(PROFILES)('an exception in %s that carries text', profile => {
  test.each([
    ['in the name of its class', `raise type(secret, (Exception,), {})(secret)`],
    ['in the names of its ancestors', `raise type("Leaf", (type(secret, (ValueError,), {}),), {})()`],
    [
      'in its message, notes, cause, context and attributes',
      `error = KeyError(secret)
error.add_note(secret)
error.__cause__ = RuntimeError(secret)
error.args = (secret, {secret: secret})
raise error`
    ],
    [
      'in a class that reports a false name',
      `class Liar(type):
    __name__ = secret
    @property
    def __mro__(cls):
        return (cls, type(secret, (), {}))
class Leaf(Exception, metaclass=Liar):
    __name__ = __qualname__ = __module__ = secret
    def __str__(self): return secret
    __repr__ = __str__
raise Leaf()`
    ],
    [
      'in the file name and line number of code that it compiled itself',
      `exec(compile("\\n" * 900 + "raise ValueError()", secret, "exec"))`
    ],
    ['in a syntax error', `raise SyntaxError(secret, (secret, 900, 900, secret, 900, 900))`],
    [
      'in an exception group',
      `raise ExceptionGroup(secret, [ValueError(secret), type(secret, (OSError,), {})()])`
    ],
    [
      'in an exception raised while handling a group',
      `try:
    raise ExceptionGroup(secret, [ValueError(secret)])
except ExceptionGroup:
    raise KeyError(secret)`
    ],
    [
      'in an exception whose text conversion fails',
      `class Leaf(ValueError):
    def __str__(self): raise RuntimeError(secret)
raise Leaf()`
    ],
    [
      'in a traceback that it renders itself',
      `class Leaf(ValueError):
    def _render_traceback_(self): return [secret, 900]
raise Leaf(secret)`
    ],
    [
      'in its own traceback renderer, which fails',
      `class Leaf(ValueError):
    def _render_traceback_(self): raise RuntimeError(secret)
raise Leaf(secret)`
    ],
    [
      'in a forged protocol frame',
      `${FORGE}forge(type="error", cell=0, ename=secret, evalue=secret, traceback=[secret], bases=[secret, "Exception", secret], line=900)`
    ]
  ])('%s is reduced to a listed class and a line of the source', async (_, attack) => {
    const source = HIDDEN + attack;
    const finished = await run(profile, {
      withoutAssets: true,
      files: { 'notebook.ipynb': notebook(source, '1') }
    });
    expect(finished.ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const { statement, notebook: filtered } = await results(finished);
    const { failure, cells } = statement.predicate;
    expect(failure).toMatchObject({ class: 'notebook-error', cell: 1 });
    expect(EXCEPTION_CLASSES).toContain(failure?.exception);
    expect(failure?.line ?? 1).toBeLessThanOrEqual(source.split('\n').length);
    expect(cells.map(({ status }) => status)).toEqual(['error', 'not-run']);
    // IPython may report one exception twice.
    expect(new Set(cells.flatMap(({ outputs }) => outputs.map(output => JSON.stringify(output))))).toEqual(
      new Set(['{"reasons":["error-reduced"],"verdict":"transformed"}'])
    );
    const location = failure?.line === undefined ? 'cell 1' : `cell 1, line ${failure.line}`;
    expect(filtered.cells[1]?.outputs?.[0]).toEqual({
      output_type: 'error',
      ename: failure?.exception,
      evalue: location,
      traceback: [`${failure?.exception} in ${location}`]
    });
    const published = JSON.stringify([statement, filtered, finished.server.progress]);
    expect(published).not.toContain('SMUGGLED');
  });
});
