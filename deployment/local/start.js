/** `npm start`: prepares the machine, serves the clean room with demo data, and opens JupyterLab. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CleanRoom } from './clean-room.js';
import { ROOT, main } from './steps.js';
import { setup } from './setup.js';

// Only the container image sets this variable. A browser outside of a container cannot reach the container's loopback address, so
// the servers listen on all addresses, and their ports are published on the host's loopback address.
const listen = process.env.CLEAN_ROOM_LISTEN ?? '127.0.0.1';

await main(async () => {
  setup();
  const ports = { coordinator: 8787, hospital: 8788, insurer: 8789 };
  const cleanRoom = new CleanRoom(join(ROOT, '.clean-room'), ports, listen);
  mkdirSync(cleanRoom.folder, { recursive: true, mode: 0o700 });
  cleanRoom.createDemo();
  await cleanRoom.serve();
  try {
    cleanRoom.provision();
    cleanRoom.call('stand-ins');
    cleanRoom.copyNotebooks();
    const browser = process.env.CLEAN_ROOM_BROWSER === 'none' ? ['--no-browser'] : [];
    const lab = spawn(
      join(ROOT, '.venv/bin/jupyter'),
      [
        'lab',
        `--ServerApp.root_dir=${cleanRoom.notebooks}`,
        '--LabApp.default_url=/lab/tree/explore.ipynb',
        `--ip=${listen}`,
        '--port=8888',
        '--log-level=WARN',
        // Disables JupyterLab's question whether it may fetch news from jupyter.org.
        '--LabApp.news_url=None',
        ...(process.getuid() === 0 ? ['--allow-root'] : []),
        ...browser
      ],
      {
        stdio: 'inherit',
        env: {
          ...cleanRoom.env,
          CLEAN_ROOM_URL: cleanRoom.url,
          CLEAN_ROOM_TOKEN_FILE: join(cleanRoom.person, 'token'),
          // Keeps the open tabs of the demo apart from those of the person's own work.
          JUPYTERLAB_WORKSPACES_DIR: join(cleanRoom.folder, 'workspaces')
        }
      }
    );
    const stop = () => lab.kill('SIGTERM');
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    await new Promise(resolve => lab.once('exit', resolve));
  } finally {
    await cleanRoom.stop();
  }
});
