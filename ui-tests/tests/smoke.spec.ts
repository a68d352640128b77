import { expect, test } from '@jupyterlab/galata';
import { CleanRoomPage, demoNotebook, openNotebook } from '../support/clean-room-page.js';

test('commands are in the toolbar, the menu, the palette and the file browser', async ({ page, tmpPath }) => {
  const cleanRoom = new CleanRoomPage(page);
  await openNotebook(page, tmpPath, 'smoke.ipynb', demoNotebook('explore.ipynb'));
  await expect(cleanRoom.submitButton).toContainText('Submit to Clean Room');

  await page.getByRole('menubar').getByText('Run', { exact: true }).click();
  await expect(page.getByRole('menuitem', { name: 'Submit to Clean Room' })).toBeVisible();
  await page.keyboard.press('Escape');

  // The palette closes when it loses the focus, which the notebook takes when its kernel has started.
  await expect(page.getByText('Python 3 (ipykernel) | Idle')).toBeVisible({ timeout: 60_000 });
  await expect(async () => {
    await page.keyboard.press('Control+Shift+C');
    await page.locator('.lm-CommandPalette-input').fill('clean room', { timeout: 2000 });
  }).toPass();
  for (const label of [
    'Show Clean Room Runs',
    'Submit Notebook to Clean Room',
    'Clean Room Submissions and Reviews'
  ]) {
    await expect(page.locator('.lm-CommandPalette-itemLabel', { hasText: label })).toBeVisible();
  }
  await page.keyboard.press('Escape');

  await page.filebrowser.refresh();
  await page.locator('.jp-DirListing-item[data-file-type="notebook"]').first().click({ button: 'right' });
  await expect(page.getByRole('menuitem', { name: 'Submit to Clean Room' })).toBeVisible();
});

test('the tabs of the review panel can be used with the keyboard', async ({ page }) => {
  const cleanRoom = new CleanRoomPage(page);
  await cleanRoom.open();
  await page.evaluate(() => window.jupyterapp.commands.execute('clean-room:review'));
  const tabs = page.getByRole('tablist', { name: 'What was submitted' });
  await tabs.getByRole('tab', { name: 'Notebook' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(tabs.getByRole('tab', { name: 'Files' })).toBeFocused();
  await expect(tabs.getByRole('tab', { name: 'Files' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowLeft');
  await expect(tabs.getByRole('tab', { name: 'Notebook' })).toHaveAttribute('aria-selected', 'true');
});
