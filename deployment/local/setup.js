/** Makes this machine ready: Node packages, Python environment, extension, command and kernel image. */
import { join } from 'node:path';
import { ROOT, SetupError, has, main, run, step } from './steps.js';

function checkMachine() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(
      'The clean room runs on Linux on x86-64. On this machine, run the one-container image instead: see deployment/README.md.'
    );
  }
  if (!has('python3')) throw new SetupError('Python 3.11 or later is needed. Install it (on Debian: apt-get install python3 python3-venv).');
}

/** Debian packages that a part of the clean room calls by name; installed as root, named to everybody else. */
export function systemPackages(wanted) {
  const missing = wanted.filter(([program]) => !has(program)).map(([, debian]) => debian);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    throw new SetupError(`Some programs are missing. Install them as root, then start again:\n  ${command}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  console.log(`\n— Installing ${missing.join(', ')}`);
  run(['apt-get', 'update', '-q'], { env, quiet: true });
  run(['sh', '-c', command], { env, quiet: true });
}

export function setup() {
  checkMachine();
  systemPackages([['bwrap', 'bubblewrap']]);
  step(
    'Installing the Node packages (about a minute)',
    { name: 'node', inputs: ['package-lock.json'], makes: ['node_modules/.bin/node'] },
    () => run(['npm', 'ci', '--no-audit', '--no-fund'])
  );
  run(['npm', 'run', '--silent', 'build']);
  step(
    'Making the Python environment (about a minute)',
    { name: 'python', inputs: ['extension/requirements-dev.txt'], makes: ['.venv/bin/jupyter'] },
    () => {
      run(['python3', '-m', 'venv', join(ROOT, '.venv')], { remedy: 'On Debian, install python3-venv.' });
      run(['.venv/bin/pip', 'install', '--quiet', '--requirement', 'extension/requirements-dev.txt']);
    }
  );
  step(
    'Building the JupyterLab extension',
    {
      name: 'extension',
      inputs: ['extension/src', 'extension/schema', 'extension/style', 'extension/package.json', 'protocol/src', 'server/src'],
      makes: ['extension/jupyterlab_clean_room/labextension/package.json']
    },
    () => run(['npm', 'run', '--silent', 'build', '-w', 'extension'])
  );
  step(
    'Installing the extension and the Python package of notebooks',
    {
      name: 'python-packages',
      inputs: ['extension/pyproject.toml', 'kernel-images/clean_room/pyproject.toml', 'install.json'],
      makes: ['.venv/share/jupyter/labextensions/@clean-room/jupyterlab']
    },
    () => {
      run(['.venv/bin/pip', 'install', '--quiet', '--no-build-isolation', '--editable', 'kernel-images/clean_room', '--editable', 'extension']);
    }
  );
  run(['npm', 'run', '--silent', 'build:kernel']);
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main(setup);
