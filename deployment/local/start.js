/** `npm start`: sets everything up, serves the clean room with demo data, and opens JupyterLab. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CleanRoom } from './clean-room.js';
import { ROOT, main } from './steps.js';
import { setup } from './setup.js';

// Only the one-container image sets this: there loopback is out of the browser's reach, and its ports are published to the host's.
const listen = process.env.CLEAN_ROOM_LISTEN ?? '127.0.0.1';

await main(async () => {
  setup();
  const room = new CleanRoom(join(ROOT, '.clean-room'), { coordinator: 8787, custodian: 8788 }, listen);
  mkdirSync(room.folder, { recursive: true, mode: 0o700 });
  room.found();
  await room.serve();
  try {
    room.provision();
    room.call('stand-ins');
    room.layOutNotebooks();
    const browser = process.env.CLEAN_ROOM_BROWSER === 'none' ? ['--no-browser'] : [];
    const lab = spawn(
      join(ROOT, '.venv/bin/jupyter'),
      [
        'lab',
        `--ServerApp.root_dir=${room.notebooks}`,
        '--LabApp.default_url=/lab/tree/explore.ipynb',
        `--ip=${listen}`,
        '--port=8888',
        '--log-level=WARN',
        // JupyterLab's own question whether it may fetch news from elsewhere.
        '--LabApp.news_url=None',
        ...(process.getuid() === 0 ? ['--allow-root'] : []),
        ...browser
      ],
      {
        stdio: 'inherit',
        env: {
          ...room.env,
          CLEAN_ROOM_URL: room.url,
          CLEAN_ROOM_TOKEN_FILE: join(room.person, 'token'),
          // The tabs of the demo are not mixed with those of the person's own work.
          JUPYTERLAB_WORKSPACES_DIR: join(room.folder, 'workspaces')
        }
      }
    );
    const stop = () => lab.kill('SIGTERM');
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    await new Promise(resolve => lab.once('exit', resolve));
  } finally {
    await room.stop();
  }
});
