import { closeAll, notebook, results, run } from '../support/attempt.js';
import { PROFILES } from '../support/container.js';

const EVIL = 'print("shadowed", __name__)\n';

afterEach(closeAll);

describe.each(PROFILES)('a workspace in %s', profile => {
  test.each([
    ['over the jail’s Python packages', '../usr/local/lib/python3.11/dist-packages/sitecustomize.py'],
    ['over the executor', '../usr/lib/clean-room/executor/shadow.py'],
    ['over the jail’s programs', 'lib/../../usr/bin/shadow'],
    ['outside the jail', '../../etc/shadow.conf']
  ])('cannot write %s', async (_, path) => {
    const { server, ended } = await run(profile, {
      withoutAssets: true,
      files: { 'notebook.ipynb': notebook('print("ran")'), [path]: EVIL }
    });
    expect(ended).toEqual({ code: 1, stdout: '', stderr: '' });
    expect(server.progress).toEqual([{ phase: 'stopped', reason: 'workspace-refused' }]);
    expect([server.objects.size, server.result]).toEqual([0, undefined]);
  });

  test('cannot replace our modules with files of the same names', async () => {
    const modules = [
      'IPython',
      'comm',
      'jedi',
      'json',
      'sitecustomize',
      'usercustomize',
      'clean_room_executor'
    ];
    const personal = '.local/lib/python3.11/site-packages';
    const paths = [
      ...modules.flatMap(name => [`${name}.py`, `usr/lib/clean-room/executor/${name}.py`]),
      ...[`${personal}/sitecustomize.py`, `${personal}/usercustomize.py`, 'usr/lib/clean-room/supervisor.js'],
      ...[
        '.ipython/profile_default/startup/00.py',
        'jail/usr/lib/clean-room/executor/session.py',
        'conftest.py'
      ]
    ];
    const files = {
      'notebook.ipynb': notebook('print("ran")'),
      [`${personal}/shadow.pth`]: 'import os; os.write(1, b"shadowed by pth")\n',
      ...Object.fromEntries(paths.map(path => [path, EVIL]))
    };
    const finished = await run(profile, { withoutAssets: true, files });
    expect(finished.ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const { statement, notebook: filtered } = await results(finished);
    expect(statement.predicate.failure).toBeUndefined();
    expect(filtered.cells[1]?.outputs).toEqual([{ output_type: 'stream', name: 'stdout', text: 'ran\n' }]);
  });
});
