import { expect, test } from '@jupyterlab/galata';

test.describe('The extension in JupyterLab', () => {
  test('offers itself where people look for it', async ({ page }) => {
    await page.notebook.createNew('smoke.ipynb');
    const button = page.locator('[data-jp-item-name="clean-room-submit"]');
    await expect(button).toBeVisible();
    await expect(button).toContainText('Submit to Clean Room');

    await page.getByRole('menubar').getByText('Run', { exact: true }).click();
    await expect(page.getByRole('menuitem', { name: 'Submit to Clean Room' })).toBeVisible();
    await page.keyboard.press('Escape');

    await page.keyboard.press('Control+Shift+C');
    await page.locator('.lm-CommandPalette-input').fill('clean room');
    await expect(
      page.locator('.lm-CommandPalette-itemLabel', { hasText: 'Show Clean Room Runs' })
    ).toBeVisible();
  });

  test('says in a sentence that the clean room is not there', async ({ page }) => {
    await page.sidebar.openTab('clean-room-panel');
    const panel = page.getByRole('region', { name: 'Clean Room' });
    await expect(panel.getByRole('alert')).toContainText('does not know where the clean room is');
    await expect(panel.getByRole('alert')).toContainText('CLEAN_ROOM_URL');

    await page.notebook.createNew('without.ipynb');
    const button = page.locator('[data-jp-item-name="clean-room-submit"] jp-button');
    await expect(button).toHaveAttribute('aria-disabled', 'true');
    await expect(button).toHaveAttribute('title', /does not know where the clean room is/);
  });
});
