import { expect, test } from '@jupyterlab/galata';
import { LAB_WITHOUT } from '../support/environment.js';

test.use({ baseURL: `http://localhost:${LAB_WITHOUT}` });

test('without a configured clean room the panel says what to do', async ({ page }) => {
  await page.sidebar.openTab('clean-room-panel');
  const alert = page.getByRole('region', { name: 'Clean Room' }).getByRole('alert').first();
  await expect(alert).toContainText('does not know where the clean room is');
  await expect(alert).toContainText('CLEAN_ROOM_URL');

  await page.notebook.createNew('without.ipynb');
  const button = page.locator('[data-jp-item-name="clean-room-submit"] jp-button');
  await expect(button).toHaveAttribute('aria-disabled', 'true');
  await expect(button).toHaveAttribute('title', /does not know where the clean room is/);
});
