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

  /**
   * Fills in the submit dialog and submits the notebook.
   *
   * @param providers - the titles of the providers whose data it uses
   */
  async submit(...providers: string[]): Promise<void> {
    await this.fillIn(...providers);
    await this.dialog.getByRole('button', { name: 'Submit for approval' }).click();
    const approve = providers.length === 1 ? 'approves' : 'approve';
    await expect(
      this.page.getByText(`It will run as soon as ${providers.join(' and ')} ${approve} it.`)
    ).toBeVisible({ timeout: 60_000 });
  }

  /** Opens the submit dialog, selects the purpose, and waits for the preview. */
  async fillIn(...providers: string[]): Promise<void> {
    await this.submitButton.click();
    await this.dialog.getByRole('combobox', { name: 'Purpose' }).selectOption({ index: 1 });
    await this.dialog.getByText(`Needs approval by ${providers.join(' and ')}.`).waitFor({ timeout: 60_000 });
  }

  /** Opens the review panel with the submission that waits for this party. */
  async review(): Promise<Locator> {
    await this.page.getByRole('button', { name: /^\d+ waiting for you$/ }).click();
    const review = this.page.getByRole('region', { name: 'Submissions and reviews' });
    await review.getByRole('navigation').locator('.crm-Row-head').first().click();
    return review;
  }

  /**
   * Opens the custodian's approval page from the review panel and signs in there.
   *
   * @param party - the party of the custodian
   */
  async openCustodian(review: Locator, party: string): Promise<Page> {
    const [custodian] = await Promise.all([
      this.page.context().waitForEvent('page'),
      review.getByRole('link', { name: /Approve/ }).click()
    ]);
    expect(new URL(custodian.url()).hostname).toBe(`${party}.localhost`);
    // The session of an earlier test may still be valid.
    const signIn = custodian.getByRole('button', { name: /^Continue as/ });
    const allow = custodian.locator('#allow');
    await expect(signIn.or(allow)).toBeVisible();
    if (await signIn.isVisible()) await signIn.click();
    await expect(allow).toContainText('You allow one run of');
    return custodian;
  }

  /** Approves on the custodian's page, without a passkey. */
  async confirm(custodian: Page): Promise<void> {
    await custodian.getByRole('button', { name: 'Confirm without passkey' }).click();
    await expect(custodian.getByText('The approval is signed and was sent.')).toBeVisible();
    await custodian.close();
  }

  /**
   * Adds a passkey on the custodian's page, and approves with it. The browser's virtual authenticator acts for the person.
   *
   * @param signRoster - signs and publishes the roster with the new passkey, if the custodian does not do it itself. It gets the path
   *   of the roster
   */
  async confirmWithPasskey(custodian: Page, signRoster?: (roster: string) => void): Promise<void> {
    await addAuthenticator(custodian);
    const page = custodian.url();
    const { origin } = new URL(page);
    await custodian.goto(`${origin}/passkeys`);
    await custodian.getByRole('button', { name: 'Add a passkey' }).click();
    if (signRoster !== undefined) {
      const link = custodian.getByRole('link', { name: 'this roster' });
      const [download] = await Promise.all([custodian.waitForEvent('download'), link.click()]);
      signRoster(await download.path());
    }
    const passkey = custodian.getByRole('cell', { name: origin }).first();
    // A custodian reads new rosters from the coordinator.
    await expect(async () => {
      if (signRoster !== undefined) await custodian.reload();
      await expect(passkey).toBeVisible({ timeout: 1000 });
    }).toPass({ timeout: 30_000 });
    await custodian.goto(page);
    await custodian.getByRole('button', { name: 'Confirm with passkey' }).click();
    await expect(custodian.getByText('The approval is signed and was sent.')).toBeVisible();
    await custodian.close();
  }
}

/** Adds Chromium's virtual authenticator to a page. It confirms every request as a verified user would. */
async function addAuthenticator(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true
    }
  });
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
