import { fileURLToPath } from 'node:url';
import { expect, test } from '@jupyterlab/galata';
import type { Page } from '@playwright/test';
import { CleanRoomPage, demoNotebook, openNotebook } from '../support/clean-room-page.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** Takes a screenshot of JupyterLab in both themes. */
async function captureLab(page: Page, name: string): Promise<void> {
  for (const [theme, suffix] of [
    ['JupyterLab Dark', 'dark'],
    ['JupyterLab Light', 'light']
  ]) {
    await page.evaluate(async chosen => {
      await window.jupyterapp.commands.execute('apputils:change-theme', { theme: chosen });
    }, theme);
    await expect(page.locator('body')).toHaveAttribute('data-jp-theme-name', theme ?? '');
    await page.mouse.move(700, 890);
    // Wait until the new theme has faded in.
    await page.waitForTimeout(600);
    await page.screenshot({ path: `${folder}${name}-${suffix}.png` });
  }
}

/** Takes a screenshot of a page outside JupyterLab in both colour schemes. */
async function capturePage(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}${name}-${colorScheme}.png` });
  }
}

test('screenshots of the main screens', async ({ page, tmpPath }) => {
  test.setTimeout(400_000);
  const cleanRoom = new CleanRoomPage(page);
  const row = cleanRoom.row('explore.ipynb');
  await cleanRoom.open();
  await cleanRoom.actFor('Demo University');
  await openNotebook(page, tmpPath, 'explore.ipynb', demoNotebook('explore.ipynb'));
  // JupyterLab asks for a kernel at every cell until the notebook's kernel has started.
  await expect(page.getByText('Python 3 (ipykernel) | Idle')).toBeVisible({ timeout: 60_000 });
  await page.evaluate(() => void window.jupyterapp.commands.execute('notebook:run-all-cells'));
  await expect(page.locator('.jp-OutputArea-output img').first()).toBeVisible({ timeout: 120_000 });
  await page.locator('.jp-Notebook .jp-Cell').first().scrollIntoViewIfNeeded();
  await captureLab(page, 'programming');

  await cleanRoom.submitButton.click();
  await cleanRoom.dialog.getByRole('combobox', { name: 'Purpose' }).selectOption({ index: 1 });
  await cleanRoom.dialog.getByText('Needs approval by Demo Hospital.').waitFor({ timeout: 60_000 });
  await captureLab(page, 'submit');
  await cleanRoom.dialog.getByRole('button', { name: 'Cancel' }).click();
  await cleanRoom.submit();

  await cleanRoom.actFor('Demo Hospital');
  const review = await cleanRoom.review();
  await review.getByRole('button', { name: 'Rebuild and compare' }).click();
  await expect(review.getByText('✓ equal')).toBeVisible({ timeout: 60_000 });
  await expect(page.locator('.Toastify__toast')).toHaveCount(0, { timeout: 60_000 });
  await captureLab(page, 'review');
  const custodian = await cleanRoom.openCustodian(review);
  await capturePage(custodian, 'approve');
  await cleanRoom.confirm(custodian);

  await page.bringToFront();
  await cleanRoom.actFor('Demo University');
  await row.locator('.crm-Row-head').click();
  await expect(row.locator('.crm-Row-label')).toHaveText('result ready', { timeout: 240_000 });
  await row.getByRole('button', { name: 'Open result' }).click();
  const result = page.getByRole('region', { name: 'Result of a run' });
  await expect(result.getByRole('status')).toContainText('Verified', { timeout: 60_000 });
  await expect(page.locator('.Toastify__toast')).toHaveCount(0, { timeout: 60_000 });
  await captureLab(page, 'result');
});
