import { readFileSync } from 'node:fs';
import { expect, test } from '@jupyterlab/galata';
import { CleanRoomPage, demoNotebook, openNotebook, runCommand } from '../support/clean-room-page.js';

test('a notebook is submitted, reviewed, approved and run, and its result and receipt are verified', async ({
  page,
  tmpPath
}) => {
  test.setTimeout(600_000);
  const cleanRoom = new CleanRoomPage(page);
  // A unique name, so that submissions of other tests or earlier attempts do not matter.
  const stem = `explore-${Date.now().toString(36)}`;
  const notebook = `${stem}.ipynb`;
  await cleanRoom.open();
  await cleanRoom.actFor('Demo University');
  await openNotebook(page, tmpPath, notebook, demoNotebook('explore.ipynb'));

  await test.step('the notebook is programmed on a stand-in', async () => {
    await expect(
      page.getByText(/Programming stage: stand-in data \(hospital\/visits v\d+, synthetic, ε = 1\)/)
    ).toBeVisible();
    await expect(cleanRoom.panel.getByText('hospital/visits', { exact: true })).toBeVisible();
  });

  await test.step('the researcher submits it', async () => {
    await cleanRoom.submit('Demo Hospital');
    await expect(cleanRoom.row(notebook)).toContainText('waiting for Demo Hospital');
  });

  await test.step('a reviewer asks for changes', async () => {
    await cleanRoom.actFor('Demo Hospital');
    const review = await cleanRoom.review();
    await expect(review.getByRole('heading', { name: `${notebook} from Demo University` })).toBeVisible();
    await expect(review.locator('.crm-Cell').nth(1)).toContainText('open_dataset("hospital/visits")');
    await review.getByRole('button', { name: 'Rebuild and compare' }).click();
    await expect(review.getByText('✓ equal')).toBeVisible({ timeout: 60_000 });
    await expect(review.getByRole('button', { name: 'Ask for changes' })).toBeDisabled();
    await review
      .getByRole('textbox', { name: 'Comment to the researcher' })
      .fill('Please leave out the last cell.');
    await review.getByRole('button', { name: 'Ask for changes' }).click();
    await expect(review.getByText('“Please leave out the last cell.”')).toBeVisible();
  });

  await test.step('the researcher sends the next revision', async () => {
    await cleanRoom.actFor('Demo University');
    await expect(cleanRoom.row(notebook)).toContainText('changes requested by Demo Hospital');
    await page.activity.activateTab(notebook);
    await cleanRoom.submitButton.click();
    await expect(cleanRoom.dialog.getByText('“Please leave out the last cell.”')).toBeVisible();
    await expect(
      cleanRoom.dialog.getByRole('checkbox', {
        name: 'Send as revision 2, answering the request of Demo Hospital'
      })
    ).toBeChecked();
    await cleanRoom.dialog.getByRole('button', { name: 'Cancel' }).click();
    await cleanRoom.submit('Demo Hospital');
    await expect(cleanRoom.row(notebook)).toContainText('waiting for Demo Hospital');
  });

  await test.step('the provider approves on the page of its custodian', async () => {
    await cleanRoom.actFor('Demo Hospital');
    const review = await cleanRoom.review();
    await expect(review.getByText('revision 2')).toBeVisible();
    await cleanRoom.confirm(await cleanRoom.openCustodian(review, 'hospital'));
  });

  await test.step('the researcher follows the run', async () => {
    await cleanRoom.actFor('Demo University');
    await cleanRoom.row(notebook).locator('.crm-Row-head').click();
    await expect(cleanRoom.row(notebook)).toContainText('approved by Demo Hospital');
    await expect(cleanRoom.row(notebook)).toContainText('starting', { timeout: 60_000 });
    await expect(cleanRoom.row(notebook).getByText('SIMULATED')).toBeVisible();
    await expect(page.getByText(`${notebook}: result ready.`).first()).toBeVisible({ timeout: 240_000 });
    await expect(cleanRoom.row(notebook).locator('.crm-Row-label')).toHaveText('result ready');
  });

  const result = page.getByRole('region', { name: 'Result of a run' });

  await test.step('the result shows filtered outputs, reasons and marks', async () => {
    await cleanRoom.row(notebook).getByRole('button', { name: 'Open result' }).click();
    await expect(result.getByText(/5 outputs, 1 suppressed/)).toBeVisible({ timeout: 60_000 });
    await expect(result.getByText('(20190, 11)')).toBeVisible();
    await expect(result.getByText('Suppressed: it would show rows of a dataset.')).toBeVisible();
    await expect(result.locator('.crm-ResultHeader').getByText('SIMULATED')).toBeVisible();
    const proof = result.getByRole('region', { name: 'What is proven' });
    await expect(proof.getByRole('status')).toContainText('Verified');
    for (const mark of [
      'SIMULATED',
      'unattended: Demo Hospital',
      'demo: Demo Hospital',
      'co-hosted: Demo Hospital'
    ]) {
      await expect(proof.getByText(mark, { exact: true })).toBeVisible();
    }
    await expect(proof.locator('.crm-Step.crm-mod-fail')).toHaveCount(0);
    await result.getByRole('button', { name: 'Verify' }).click();
    await expect(proof.getByRole('status')).toContainText('Verified');
  });

  await test.step('the command line also verifies the receipt', async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      result.getByRole('button', { name: 'Save receipt' }).click()
    ]);
    const path = await download.path();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ format: 'clean-room.receipt/v1' });
    expect(runCommand('verify', path)).toMatchObject({ outcome: 'verified', marks: { simulated: true } });
  });

  await test.step('the result opens in the workspace', async () => {
    await result.getByRole('button', { name: 'Open in workspace' }).click();
    await expect(page.getByRole('tab', { name: `${stem}.result.ipynb` })).toBeVisible({ timeout: 60_000 });
    await expect(
      page.getByText('Result of a run on real data. Cells that you run here use stand-in data.')
    ).toBeVisible();
  });
});
