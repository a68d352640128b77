import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, type Page } from '@playwright/test';
import { CleanRoomPage } from '../support/clean-room-page.js';
import { HUB, HUB_FOLDER } from '../support/environment.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const BOTH = ['Demo Hospital', 'Demo Insurer'];

// The proxies that end TLS have a certificate of the test.
test.use({ baseURL: `http://localhost:${HUB.port}`, ignoreHTTPSErrors: true });

/** Runs the `clean-room` command of a build: the one for tests, or the product. */
function run(build: string, ...args: string[]): Record<string, unknown> {
  const answer = execFileSync(
    join(root, 'node_modules/.bin/node'),
    [join(build, 'server/bin/clean-room.js'), ...args, '--json'],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        CLEAN_ROOM_HOME: join(HUB_FOLDER, 'person'),
        CLEAN_ROOM_TOKEN: readFileSync(join(HUB_FOLDER, 'token'), 'utf8')
      }
    }
  );
  return JSON.parse(answer) as Record<string, unknown>;
}

const runTest = (...args: string[]) => run(join(HUB_FOLDER, 'build'), ...args);

/** Signs in on the custodian's page with the one-time link for reviewers who have no passkey yet. */
async function signIn(page: Page, party: string): Promise<void> {
  const custodian = join(HUB_FOLDER, 'custodians', party);
  const { link } = runTest('custodian', 'sign-in', HUB.user, '--custodian', custodian) as { link: string };
  const own = await page.context().newPage();
  await own.goto(link);
  await own.getByRole('button', { name: 'Continue with your link' }).click();
  await expect(own.getByRole('button', { name: 'Sign out' })).toBeVisible();
  await own.close();
}

/** Signs a party's roster with its root key, and publishes it. */
function signRoster(party: string, roster: string): void {
  const signed = join(HUB_FOLDER, `${party}-roster.json`);
  runTest('roster', 'sign', roster, '--key', join(HUB_FOLDER, 'parties', party, 'root.key'), '--out', signed);
  runTest('roster', 'publish', signed);
}

// The coordinator runs as another user than the custodians, which only root can arrange. In CI, the test is never skipped.
test.skip(process.getuid?.() !== 0 && process.env.CI === undefined, 'This test needs root.');

// A Hub adds cookies, cross-site protection, a base path, and a proxy that may buffer streams.
test('a notebook goes the whole way in production, from the button to the receipt', async ({ page }) => {
  test.setTimeout(600_000);
  const cleanRoom = new CleanRoomPage(page);
  const row = cleanRoom.row('costs.ipynb');

  await test.step('signing in at the Hub', async () => {
    const notebook = `/user/${HUB.user}/lab/tree/costs.ipynb`;
    const spawn = `/hub/spawn/${HUB.user}?next=${encodeURIComponent(notebook)}`;
    await page.goto(`/hub/login?next=${encodeURIComponent(spawn)}`);
    await page.getByLabel('Username:').fill(HUB.user);
    await page.getByLabel('Password:').fill(HUB.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(cleanRoom.submitButton).toBeEnabled({ timeout: 120_000 });
    expect(new URL(page.url()).pathname).toMatch(new RegExp(`^/user/${HUB.user}/lab`));
  });

  await test.step('submitting', async () => {
    await cleanRoom.open();
    await cleanRoom.actFor('Demo University');
    await cleanRoom.submit(...BOTH);
    await expect(row).toContainText('waiting for Demo Hospital and Demo Insurer');
  });

  for (const [title, party] of [
    ['Demo Hospital', 'hospital'],
    ['Demo Insurer', 'insurer']
  ] as const) {
    await test.step(`${title} approves with a passkey`, async () => {
      await signIn(page, party);
      await cleanRoom.actFor(title);
      const custodian = await cleanRoom.openCustodian(await cleanRoom.review(), party);
      await cleanRoom.confirmWithPasskey(custodian, roster => signRoster(party, roster));
    });
  }

  await test.step('the run completes on a machine of the cloud', async () => {
    await cleanRoom.actFor('Demo University');
    await expect(row.locator('.crm-Row-label')).toHaveText('result ready', { timeout: 240_000 });
  });

  const result = page.getByRole('region', { name: 'Result of a run' });

  await test.step('the result is proven, and the other root is shown', async () => {
    await row.locator('.crm-Row-head').click();
    await row.getByRole('button', { name: 'Open result' }).click();
    await expect(result.getByText('8,008 people are in both datasets')).toBeVisible({ timeout: 60_000 });
    const proof = result.getByRole('region', { name: 'What is proven' });
    await expect(proof.getByRole('status')).toContainText('Verified');
    await expect(proof.getByRole('status')).toContainText('OTHER ROOT: A test authority vouches');
    for (const mark of [/simulated/i, /co-hosted/, /unattended/, /development image/])
      await expect(proof.getByText(mark)).toHaveCount(0);
  });

  await test.step('the product refuses the receipt', async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      result.getByRole('button', { name: 'Save receipt' }).click()
    ]);
    const path = await download.path();
    expect(runTest('verify', path)).toMatchObject({
      outcome: 'verified',
      marks: { simulated: false, otherRoot: 'A test authority', developmentKernelImage: false }
    });
    let refused = '';
    try {
      run(root, 'verify', path);
    } catch (error) {
      refused = (error as { stdout: string }).stdout;
    }
    const { outcome, steps } = JSON.parse(refused) as {
      outcome: string;
      steps: { id: string; status: string }[];
    };
    expect(outcome).toBe('failed');
    expect(steps.flatMap(({ id, status }) => (status === 'fail' ? [id] : []))).toEqual(
      expect.arrayContaining(['kernel-image', 'token'])
    );
  });
});
