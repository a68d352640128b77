import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import base from '@jupyterlab/galata/lib/playwright-config.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const debian = '/usr/bin/chromium';
// Playwright's own browser where it was downloaded; else the system's, which needs no download.
const executablePath = process.env.CHROMIUM_PATH ?? (existsSync(debian) ? debian : undefined);
const ci = Boolean(process.env.CI);

export default {
  ...base,
  testDir: 'tests',
  outputDir: 'test-results',
  workers: 1,
  retries: 1,
  forbidOnly: ci,
  timeout: 120_000,
  reporter: [['list']],
  use: {
    ...base.use,
    viewport: { width: 1440, height: 900 },
    // Recording needs a helper program of Playwright's own; traces show the same.
    video: 'off',
    actionTimeout: 15_000,
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync'
      ]
    }
  },
  webServer: [
    {
      command: `${root}.venv/bin/jupyter lab --config jupyter_server_test_config.py`,
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      url: 'http://localhost:8888/lab',
      timeout: 120_000,
      stderr: process.env.SERVER_LOG ? 'pipe' : 'ignore',
      reuseExistingServer: !ci
    }
  ]
};
