import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from 'playwright-core';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Returns whether Chromium is installed. In CI, a missing Chromium is an error; elsewhere, the tests are skipped. */
export function hasChromium(): boolean {
  const installed = existsSync(EXECUTABLE);
  if (!installed && process.env['CI'] === 'true') throw new Error('chromium is not installed');
  if (!installed) process.stderr.write('skipped: install chromium to run these tests\n');
  return installed;
}

/** Starts Chromium. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Adds Chromium's virtual authenticator to a page. It confirms every request as a verified user would. */
export async function addAuthenticator(context: BrowserContext, page: Page): Promise<CDPSession> {
  const session = await context.newCDPSession(page);
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
  return session;
}
