import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import base from '@jupyterlab/galata/lib/playwright-config.js';
import { LAB, LAB_WITHOUT } from './support/environment.js';

const debian = '/usr/bin/chromium';
// The system's browser if it exists, because it needs no download. Otherwise Playwright's own.
const executablePath = process.env.CHROMIUM_PATH ?? (existsSync(debian) ? debian : undefined);

export default {
  ...base,
  testDir: 'tests',
  outputDir: 'test-results',
  workers: 1,
  // A shared machine can exceed any sensible time limit. Only a second failure counts.
  retries: 1,
  forbidOnly: Boolean(process.env.CI),
  timeout: 180_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    ...base.use,
    baseURL: `http://localhost:${LAB}`,
    viewport: { width: 1440, height: 900 },
    // Recording needs an additional program of Playwright. Traces contain the same information.
    video: 'off',
    actionTimeout: 20_000,
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
  webServer: {
    command: 'node support/serve.js',
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    url: `http://localhost:${LAB_WITHOUT}/lab`,
    timeout: 600_000,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 30_000 },
    stderr: process.env.SERVER_LOG ? 'pipe' : 'ignore',
    reuseExistingServer: !process.env.CI
  }
};
