/** Prepares this machine: Node packages, Python environment, extension, command and kernel image. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, SetupError, has, main, run, step } from './steps.js';

function checkMachine() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(
      'The clean room runs on Linux on x86-64. On this machine, run the container image instead: see deployment/README.md.'
    );
  }
  if (!has('python3'))
    throw new SetupError(
      'Python 3.11 or later is needed. Install it (on Debian: apt-get install python3 python3-venv).'
    );
}

const KERNEL_LOCK = 'kernel-images/python-cpu/image.lock.json';

/** Installs missing Debian packages as root. Other users get the command that installs them. */
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

/** Installs the libraries of the kernel image in the same versions, so that what works on a stand-in works on the real data. */
function installNotebookLibraries() {
  const lock = JSON.parse(readFileSync(join(ROOT, KERNEL_LOCK), 'utf8'));
  const wheels = lock.python.wheels.filter(({ parts }) => parts.includes('jail'));
  const requirements = join(ROOT, '.cache/setup/notebook-libraries.txt');
  mkdirSync(join(ROOT, '.cache/setup'), { recursive: true });
  writeFileSync(requirements, wheels.map(({ name, version }) => `${name}==${version}\n`).join(''));
  run(['.venv/bin/pip', 'install', '--quiet', '--requirement', requirements]);
}

/**
 * Runs all steps that this machine still needs.
 *
 * @param {{ kernelImage?: boolean }} parts - `kernelImage: false` if the caller builds the kernel image itself
 */
export function setup({ kernelImage = true } = {}) {
  checkMachine();
  systemPackages([['bwrap', 'bubblewrap']]);
  step(
    'Installing the Node packages (about a minute)',
    { name: 'node', inputs: ['package-lock.json'], makes: ['node_modules/.bin/node'] },
    () => run(['npm', 'ci', '--no-audit', '--no-fund'])
  );
  run(['npm', 'run', '--silent', 'build']);
  step(
    'Creating the Python environment (about a minute)',
    {
      name: 'python',
      inputs: ['extension/requirements-dev.txt'],
      makes: ['.venv/bin/jupyter', '.venv/package.json']
    },
    () => {
      run(['python3', '-m', 'venv', join(ROOT, '.venv')], { remedy: 'On Debian, install python3-venv.' });
      // Node scripts in Python packages are CommonJS; without this file, this project's package.json would make them ES modules.
      writeFileSync(join(ROOT, '.venv/package.json'), '{ "type": "commonjs" }\n');
      run(['.venv/bin/pip', 'install', '--quiet', '--requirement', 'extension/requirements-dev.txt']);
    }
  );
  step(
    'Installing the libraries that notebooks use (about two minutes)',
    {
      name: 'notebook-libraries',
      inputs: [KERNEL_LOCK, 'extension/requirements-dev.txt'],
      makes: ['.venv/bin/jupyter']
    },
    installNotebookLibraries
  );
  step(
    'Building the JupyterLab extension',
    {
      name: 'extension',
      inputs: [
        'extension/src',
        'extension/schema',
        'extension/style',
        'extension/package.json',
        'packages/protocol/src',
        'packages/api/src'
      ],
      makes: ['extension/jupyterlab_clean_room/labextension/package.json']
    },
    () => run(['npm', 'run', '--silent', 'build', '-w', 'extension'])
  );
  step(
    'Installing the extension and the Python package of notebooks',
    {
      name: 'python-packages',
      // JupyterLab loads a copy of the built extension, which has to be made again after each build.
      inputs: [
        'extension/pyproject.toml',
        'kernel-images/clean_room/pyproject.toml',
        'install.json',
        'extension/jupyterlab_clean_room/labextension/package.json'
      ],
      makes: ['.venv/share/jupyter/labextensions/@clean-room/jupyterlab']
    },
    () => {
      run([
        '.venv/bin/pip',
        'install',
        '--quiet',
        '--no-build-isolation',
        '--editable',
        'kernel-images/clean_room',
        '--editable',
        'extension'
      ]);
    }
  );
  if (kernelImage) run(['npm', 'run', '--silent', 'build:kernel']);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(() => setup());
