import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Locator, Page } from '@playwright/test';
import { FOLDER } from './environment.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the `clean-room` command as the demo person and returns its JSON output. */
export function runCommand(...args: string[]): Record<string, unknown> {
  const answer = execFileSync(
    join(root, 'node_modules/.bin/node'),
    [join(root, 'server/bin/clean-room.js'), ...args, '--json'],
    { encoding: 'utf8', env: { ...process.env, CLEAN_ROOM_HOME: join(FOLDER, 'clean-room/person') } }
  );
  return JSON.parse(answer) as Record<string, unknown>;
}

/** Returns the content of a demo notebook. */
export function demoNotebook(name: string): string {
  return readFileSync(join(root, 'deployment/demo', name), 'utf8');
}

/** The steps that people take with the clean room in JupyterLab. */
export class CleanRoomPage {
  constructor(readonly page: Page) {}

  /** The clean room's panel in the side bar. */
  get panel(): Locator {
    return this.page.locator('#clean-room-panel');
  }

  /** The submit button in the toolbar of the visible notebook. */
  get submitButton(): Locator {
    return this.page.locator('[data-jp-item-name="clean-room-submit"] jp-button >> visible=true');
  }

  /** The open dialog. */
  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  /** Returns the newest submission of a notebook in the list of runs. */
  row(notebook: string): Locator {
    return this.panel.locator('.crm-Row', { hasText: notebook }).first();
  }

  /** Opens the side bar and waits for the connection to the coordinator. */
  async open(): Promise<void> {
    if (!(await this.panel.isVisible())) await this.page.locator('[data-id="clean-room-panel"]').click();
    await expect(this.panel.getByText('● live')).toBeVisible();
  }

  /** Switches to the party with this title. */
  async actFor(title: string): Promise<void> {
    await this.panel.getByRole('combobox').selectOption(title);
    // Wait until the other party's list is gone, so that a test does not check it by mistake.
    await expect(this.panel.locator('.crm-Panel-live')).toHaveText('● live');
  }

  /** Fills in the submit dialog and submits the notebook. */
  async submit(): Promise<void> {
    await this.submitButton.click();
    await this.dialog.getByRole('combobox', { name: 'Purpose' }).selectOption({ index: 1 });
    await this.dialog.getByText('Needs approval by Demo Hospital.').waitFor({ timeout: 60_000 });
    await this.dialog.getByRole('button', { name: 'Submit for approval' }).click();
    await expect(this.page.getByText('It will run as soon as Demo Hospital approves it.')).toBeVisible({
      timeout: 60_000
    });
  }

  /** Opens the review panel with the submission that waits for this party. */
  async review(): Promise<Locator> {
    await this.page.getByRole('button', { name: /^\d+ waiting for you$/ }).click();
    const review = this.page.getByRole('region', { name: 'Submissions and reviews' });
    await review.getByRole('navigation').locator('.crm-Row-head').first().click();
    return review;
  }

  /** Opens the custodian's approval page from the review panel and signs in there. */
  async openCustodian(review: Locator): Promise<Page> {
    const [custodian] = await Promise.all([
      this.page.context().waitForEvent('page'),
      review.getByRole('link', { name: /Approve/ }).click()
    ]);
    expect(new URL(custodian.url()).hostname).toBe('hospital.localhost');
    await custodian.getByRole('button', { name: /^Continue as/ }).click();
    await expect(custodian.locator('#allow')).toContainText('You allow one run of');
    return custodian;
  }

  /** Approves on the custodian's page, without a passkey. */
  async confirm(custodian: Page): Promise<void> {
    await custodian.getByRole('button', { name: 'Confirm without passkey' }).click();
    await expect(custodian.getByText('The approval is signed and was sent.')).toBeVisible();
    await custodian.close();
  }
}

/** Writes a notebook into the test's folder and opens it, without waiting for its kernel. */
export async function openNotebook(
  page: IJupyterLabPageFixture,
  folder: string,
  name: string,
  content: string
): Promise<void> {
  await page.contents.uploadContent(content, 'text', `${folder}/${name}`);
  await page.evaluate(async path => {
    await window.jupyterapp.commands.execute('docmanager:open', { path });
  }, `${folder}/${name}`);
  await expect(new CleanRoomPage(page).submitButton).toBeEnabled();
}
