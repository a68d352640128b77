import { expect, test } from '@playwright/test';
import { CleanRoomPage } from '../support/clean-room-page.js';
import { HUB } from '../support/environment.js';

test.use({ baseURL: `http://localhost:${HUB.port}` });

// A Hub adds cookies, cross-site protection, a base path, and a proxy that may buffer streams.
test('submission, approval and result work in JupyterHub', async ({ page }) => {
  test.setTimeout(600_000);
  const room = new CleanRoomPage(page);

  await test.step('signing in at the Hub', async () => {
    const notebook = `/user/${HUB.user}/lab/tree/model.ipynb`;
    const spawn = `/hub/spawn/${HUB.user}?next=${encodeURIComponent(notebook)}`;
    await page.goto(`/hub/login?next=${encodeURIComponent(spawn)}`);
    await page.getByLabel('Username:').fill(HUB.user);
    await page.getByLabel('Password:').fill(HUB.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(room.submitButton).toBeEnabled({ timeout: 120_000 });
    expect(new URL(page.url()).pathname).toMatch(new RegExp(`^/user/${HUB.user}/lab`));
  });

  await test.step('submitting', async () => {
    await room.open();
    await room.actFor('Demo University');
    await room.submit();
    await expect(room.row('model.ipynb')).toContainText('waiting for Demo Hospital');
  });

  await test.step('approving', async () => {
    await room.actFor('Demo Hospital');
    await room.confirm(await room.openCustodian(await room.review()));
  });

  await test.step('following the run and opening the result', async () => {
    await room.actFor('Demo University');
    await expect(room.row('model.ipynb').locator('.crm-Row-label')).toHaveText('result ready', {
      timeout: 240_000
    });
    await room.row('model.ipynb').locator('.crm-Row-head').click();
    await room.row('model.ipynb').getByRole('button', { name: 'Open result' }).click();
    const proof = page
      .getByRole('region', { name: 'Result of a run' })
      .getByRole('region', { name: 'What is proven' });
    await expect(proof.getByRole('status')).toContainText('Verified', { timeout: 60_000 });
  });
});
