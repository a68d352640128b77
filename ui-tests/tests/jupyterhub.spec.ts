import { expect, test } from '@playwright/test';
import { CleanRoomPage } from '../support/clean-room-page.js';
import { HUB } from '../support/environment.js';

test.use({ baseURL: `http://localhost:${HUB.port}` });

// A Hub adds cookies, cross-site protection, a base path, and a proxy that may buffer streams.
test('submission, approval and result work in JupyterHub', async ({ page }) => {
  test.setTimeout(600_000);
  const cleanRoom = new CleanRoomPage(page);

  await test.step('signing in at the Hub', async () => {
    const notebook = `/user/${HUB.user}/lab/tree/model.ipynb`;
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
    await cleanRoom.submit('Demo Hospital');
    await expect(cleanRoom.row('model.ipynb')).toContainText('waiting for Demo Hospital');
  });

  await test.step('approving', async () => {
    await cleanRoom.actFor('Demo Hospital');
    await cleanRoom.confirm(await cleanRoom.openCustodian(await cleanRoom.review(), 'hospital'));
  });

  await test.step('following the run and opening the result', async () => {
    await cleanRoom.actFor('Demo University');
    await expect(cleanRoom.row('model.ipynb').locator('.crm-Row-label')).toHaveText('result ready', {
      timeout: 240_000
    });
    await cleanRoom.row('model.ipynb').locator('.crm-Row-head').click();
    await cleanRoom.row('model.ipynb').getByRole('button', { name: 'Open result' }).click();
    const proof = page
      .getByRole('region', { name: 'Result of a run' })
      .getByRole('region', { name: 'What is proven' });
    await expect(proof.getByRole('status')).toContainText('Verified', { timeout: 60_000 });
  });
});
