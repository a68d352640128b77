import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from 'playwright-core';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Whether Chromium is here. In CI its absence is a failure, elsewhere a printed skip. */
export function chromiumIsHere(): boolean {
  const here = existsSync(EXECUTABLE);
  if (!here && process.env['CI'] === 'true') throw new Error('chromium is not installed');
  if (!here) process.stderr.write('skipped: install chromium to run these tests\n');
  return here;
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A passkey that Chromium itself plays, its person present and verified. */
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
