import { readFileSync } from 'node:fs';
import { expect, test } from '@jupyterlab/galata';
import { CleanRoomPage, demoNotebook, openNotebook, runCommand } from '../support/clean-room-page.js';

const BOTH = ['Demo Hospital', 'Demo Insurer'];

test('a notebook on the data of two providers runs after both have approved it, each on its own origin', async ({
  page,
  tmpPath
}) => {
  test.setTimeout(600_000);
  const cleanRoom = new CleanRoomPage(page);
  const notebook = `costs-${Date.now().toString(36)}.ipynb`;
  const row = cleanRoom.row(notebook);
  await cleanRoom.open();
  await cleanRoom.actFor('Demo University');
  await openNotebook(page, tmpPath, notebook, demoNotebook('costs.ipynb'));

  await test.step('the notebook is programmed on two stand-ins', async () => {
    await expect(
      page.getByText(
        /stand-in data \(hospital\/visits v\d+, synthetic, ε = 1; insurer\/claims v\d+, random\)/
      )
    ).toBeVisible();
    await expect(cleanRoom.panel.getByText('From Demo Hospital')).toBeVisible();
    await expect(cleanRoom.panel.getByText('From Demo Insurer')).toBeVisible();
    // JupyterLab asks for a kernel at every cell until the notebook's kernel has started.
    await expect(page.getByText('Python 3 (ipykernel) | Idle')).toBeVisible({ timeout: 60_000 });
    await page.evaluate(() => void window.jupyterapp.commands.execute('notebook:run-all-cells'));
    await expect(page.getByText('1,000 people are in both datasets')).toBeVisible({ timeout: 120_000 });
  });

  await test.step('the researcher sees both providers and whose rule is the strictest', async () => {
    await cleanRoom.fillIn(...BOTH);
    for (const rule of [
      'No rows of hospital/visits in outputs (Demo Hospital)',
      'No rows of insurer/claims in outputs (Demo Insurer)',
      'At most 50 outputs per run (Demo Insurer)',
      'A run takes at most 10 min (Demo Insurer)',
      'Each output at most 1 MB (Demo Hospital and Demo Insurer)'
    ]) {
      await expect(cleanRoom.dialog.getByRole('listitem').filter({ hasText: rule })).toBeVisible();
    }
    // The insurer allows only one of the purposes.
    await expect(cleanRoom.dialog.getByRole('option')).toHaveText(['Select a purpose', /^Health research/]);
    await cleanRoom.dialog.getByRole('button', { name: 'Cancel' }).click();
    await cleanRoom.submit(...BOTH);
    await expect(row).toContainText('waiting for Demo Hospital and Demo Insurer');
  });

  for (const [title, party, other, after] of [
    ['Demo Hospital', 'hospital', 'insurer/claims', 'waiting for Demo Insurer'],
    // The second approval is the last one that the run waits for.
    [
      'Demo Insurer',
      'insurer',
      'hospital/visits',
      /approved|queued|starting|waiting for keys|running|result ready/
    ]
  ] as const) {
    await test.step(`${title} approves with a passkey of its own origin`, async () => {
      await cleanRoom.actFor(title);
      const review = await cleanRoom.review();
      await expect(review.getByRole('heading', { name: `${notebook} from Demo University` })).toBeVisible();
      await expect(review.getByText('co-hosted: Demo Hospital, Demo Insurer')).toBeVisible();
      const custodian = await cleanRoom.openCustodian(review, party);
      await expect(custodian.locator('#allow')).toContainText(`The program also uses ${other}`);
      await cleanRoom.confirmWithPasskey(custodian);
      await expect(review.locator('.crm-ReviewHead')).toContainText(after, { timeout: 60_000 });
    });
  }

  await test.step('the run gets keys of both and completes', async () => {
    await cleanRoom.actFor('Demo University');
    await row.locator('.crm-Row-head').click();
    await expect(row).toContainText('approved by Demo Hospital');
    await expect(row).toContainText('approved by Demo Insurer');
    await expect(row.locator('.crm-Row-label')).toHaveText('result ready', { timeout: 240_000 });
  });

  const result = page.getByRole('region', { name: 'Result of a run' });

  await test.step('the result and its proof name both', async () => {
    await row.getByRole('button', { name: 'Open result' }).click();
    await expect(result.getByText(/4 outputs, 1 suppressed/)).toBeVisible({ timeout: 60_000 });
    await expect(result.getByText('8,008 people are in both datasets')).toBeVisible();
    await expect(result.getByText('Suppressed: it would show rows of a dataset.')).toBeVisible();
    const proof = result.getByRole('region', { name: 'What is proven' });
    await expect(proof.getByRole('status')).toContainText('Verified');
    await expect(
      proof.getByText(/It used hospital\/visits version \d+ and insurer\/claims version \d+/)
    ).toBeVisible();
    await expect(proof.getByText(/^Approved by Demo Hospital \(.*\) and Demo Insurer \(/)).toBeVisible();
    await expect(proof.getByText('co-hosted: Demo Hospital, Demo Insurer', { exact: true })).toBeVisible();
    await expect(proof.getByText(/unattended/)).toHaveCount(0);
  });

  await test.step('the command line verifies the receipt of both', async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      result.getByRole('button', { name: 'Save receipt' }).click()
    ]);
    const path = await download.path();
    const receipt = JSON.parse(readFileSync(path, 'utf8')) as { keyReleases: unknown[] };
    expect(receipt.keyReleases).toHaveLength(2);
    expect(runCommand('verify', path)).toMatchObject({
      outcome: 'verified',
      marks: { coHosted: ['hospital', 'insurer'], unattended: [] }
    });
  });
});
