import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { Approval, type ApprovalBundle } from '@clean-room/protocol/approvals';
import { fromBase64 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import { addAuthenticator, hasChromium, openBrowser } from '../support/browser.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let browser: Browser;
let people: BrowserContext;
let page: Page;

const withChromium = hasChromium() ? describe : describe.skip;

/** Returns the hospital's decision on a submission. */
async function decision(id: string) {
  const found = await world.client('hospital').call(routes.getSubmission, { params: { id } });
  return found.revisions.at(-1)!.decisions[0]!;
}

async function signIn(): Promise<void> {
  await page.goto(`${world.origins.hospital}/sign-in`);
  await page.getByRole('button', { name: 'Continue as Demo person' }).click();
  await page.getByRole('heading', { name: 'Waiting for you' }).waitFor();
}

async function addPasskey(): Promise<void> {
  await page.goto(`${world.origins.hospital}/passkeys`);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('cell', { name: world.origins.hospital }).waitFor();
}

withChromium('a reviewer in a browser', () => {
  beforeAll(async () => {
    world = await DemoWorld.create();
    await world.start();
    await world.provision();
    browser = await openBrowser();
    people = await browser.newContext();
    page = await people.newPage();
    await addAuthenticator(people, page);
    await signIn();
    await addPasskey();
  });
  afterAll(async () => {
    await browser.close();
    await world.stop();
  });

  it('has a session cookie that only this host can set', async () => {
    const [cookie, ...others] = await people.cookies(world.origins.hospital);
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({
      name: '__Host-clean-room',
      domain: 'hospital.localhost',
      path: '/',
      secure: true,
      httpOnly: true,
      sameSite: 'Lax'
    });
  });

  it('reads the request, confirms it with a passkey, and approves exactly that request', async () => {
    const { id, image } = await world.submit('# the last cell');
    await page.goto(`${world.origins.hospital}/approve/${id}`);
    const allow = await page.locator('#allow').innerText();
    expect(allow).toContain('You allow one run of explore.ipynb');
    expect(allow).toContain('hospital/visits v1');
    expect(allow).toContain('for Teaching');
    expect(await page.locator('main').innerText()).toContain('# the last cell');
    await page.getByRole('button', { name: 'Confirm with passkey' }).click();
    await page.getByRole('heading', { name: 'Approved' }).waitFor();
    const { state, approval } = await decision(id);
    expect(state).toBe('approved');
    const { value } = Approval.read(fromBase64((approval as ApprovalBundle).envelope.payload));
    expect(value).toMatchObject({ image, reviewer: 'demo', runs: 1, spareStarts: 0, unattended: false });
  });

  it('sees sources as text, with invisible characters made visible', async () => {
    const { id } = await world.submit(
      '<script>document.title = "owned"</script>',
      'x = 1 # \u202Eoshow\u2066 <img src=x onerror=alert(1)>'
    );
    await page.goto(`${world.origins.hospital}/approve/${id}`);
    expect(await page.title()).toBe('Approve explore.ipynb · custodian of hospital');
    const text = await page.locator('main').innerText();
    expect(text).toContain('<script>document.title = "owned"</script>');
    expect(text).toContain('U+202Eoshowu+2066'.replace('u+', 'U+'));
    expect(await page.locator('main img, main script').count()).toBe(0);
  });

  it('rejects a submission with a comment', async () => {
    const { id } = await world.submit('print("no")');
    await page.goto(`${world.origins.hospital}/approve/${id}`);
    await page.getByLabel('Comment to the researcher').fill('Please bin age');
    await page.getByRole('button', { name: 'Reject' }).click();
    await page.getByRole('heading', { name: 'Rejected' }).waitFor();
    expect((await decision(id)).state).not.toBe('approved');
  });

  it('cannot use a passkey assertion for another submission', async () => {
    const [first, second] = [await world.submit('print("first")'), await world.submit('print("second")')];
    await page.goto(`${world.origins.hospital}/approve/${second.id}`);
    const elsewhere = await page.locator('form[data-passkey]').getAttribute('action');
    await page.goto(`${world.origins.hospital}/approve/${first.id}`);
    await page
      .locator('form[data-passkey]')
      .evaluate((form, action) => form.setAttribute('action', action ?? ''), elsewhere);
    await page.getByRole('button', { name: 'Confirm with passkey' }).click();
    await page.getByRole('heading', { name: 'That did not work' }).waitFor();
    expect(await page.locator('main').innerText()).toContain('it is for other bytes');
    expect((await decision(first.id)).state).toBe('pending');
    expect((await decision(second.id)).state).toBe('pending');
  });

  it('cannot confirm a page twice', async () => {
    const { id } = await world.submit('print("twice")');
    await page.goto(`${world.origins.hospital}/approve/${id}`);
    const answer = page.waitForRequest(sending => sending.method() === 'POST');
    await page.getByRole('button', { name: 'Confirm with passkey' }).click();
    const sent = await answer;
    await page.getByRole('heading', { name: 'Approved' }).waitFor();
    const { pathname, host, port } = new URL(sent.url());
    const { cookie = '' } = await sent.allHeaders();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = {
        host,
        cookie,
        origin: world.origins.hospital,
        'content-type': 'application/x-www-form-urlencoded'
      };
      request({ host: '127.0.0.1', port, path: pathname, method: 'POST', headers })
        .once('response', response => resolve(response.statusCode))
        .once('error', reject)
        .end(sent.postData() ?? '');
    });
    expect(status).toBe(409);
  });

  describe('whose browser visits a hostile page', () => {
    let hostile: Server;
    let html = '';

    beforeAll(async () => {
      hostile = createServer((_request, response) =>
        response.setHeader('content-type', 'text/html').end(html)
      );
      await new Promise<void>(resolve => hostile.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => hostile.close());
    const address = () => `http://evil.localhost:${(hostile.address() as AddressInfo).port}/`;

    it('does not approve anything when that page submits a form', async () => {
      const { id, image } = await world.submit('print("forged")');
      html = `<form method="post" action="${world.origins.hospital}/submissions/${id}/unattended">
        <input name="revision" value="1"><input name="image" value="${image}"><input name="runs" value="1"><input name="spareStarts" value="0"></form>
        <script>document.forms[0].submit()</script>`;
      await page.goto(address());
      await page.getByText('did not come from the custodian’s own page').waitFor();
      expect((await decision(id)).state).toBe('pending');
    });

    it('does not see the custodian in a frame of that page', async () => {
      html = `<iframe src="${world.origins.hospital}/"></iframe>`;
      const refused = page.waitForEvent('console', message =>
        /frame-ancestors|X-Frame-Options/.test(message.text())
      );
      await page.goto(address());
      await refused;
      expect(await page.frames()[1]?.locator('body').innerText()).not.toContain('Custodian of');
    });

    it('does not let scripts of that page read the custodian’s pages', async () => {
      html = `<script>fetch("${world.origins.hospital}/", { credentials: "include" }).then(() => document.title = "read", () => document.title = "refused")</script>`;
      await page.goto(address());
      await page.waitForFunction(() => document.title !== '');
      expect(await page.title()).toBe('refused');
    });
  });
});

describe('a request that was not sent by a browser', () => {
  let session = '';
  let csrf = '';
  let submission = { id: '', image: '' };

  interface RequestOptions {
    readonly host?: string;
    readonly origin?: string;
    readonly csrf?: string;
    readonly site?: string;
  }

  function send(
    path: string,
    method: string,
    fields: Record<string, string>,
    options: RequestOptions = {}
  ): Promise<{ status: number; text: string; cookie: string }> {
    const { port, host } = new URL(world.origins.hospital);
    const body = new URLSearchParams(fields).toString();
    const headers = {
      host: options.host ?? host,
      ...(options.origin === undefined ? {} : { origin: options.origin }),
      ...(options.site === undefined ? {} : { 'sec-fetch-site': options.site }),
      ...(session === '' ? {} : { cookie: session }),
      ...(method === 'GET'
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) })
    };
    return new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port, path, method, headers }, response => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text,
            cookie: response.headers['set-cookie']?.[0] ?? ''
          })
        );
      });
      call.on('error', reject).end(method === 'GET' ? undefined : body);
    });
  }

  beforeAll(async () => {
    world = await DemoWorld.create();
    await world.start();
    await world.provision();
    submission = await world.submit();
    const signed = await send(
      '/sign-in/demo',
      'POST',
      { person: 'demo' },
      { origin: world.origins.hospital }
    );
    session = signed.cookie.split(';')[0] ?? '';
    const shown = await send(`/approve/${submission.id}`, 'GET', {});
    csrf = /name="csrf" value="([^"]+)"/.exec(shown.text)?.[1] ?? '';
  });
  afterAll(() => world.stop());

  const approve = (options: RequestOptions) =>
    send(
      `/submissions/${submission.id}/unattended`,
      'POST',
      { csrf: options.csrf ?? csrf, revision: '1', image: submission.image, runs: '1', spareStarts: '0' },
      options
    );

  it.each<[string, RequestOptions]>([
    ['has no origin', {}],
    ['has another origin', { origin: 'http://127.0.0.1:8888' }],
    ['has the null origin', { origin: 'null' }],
    ['has the origin of another port', { origin: 'http://hospital.localhost:1' }],
    ['comes from another site, regardless of its origin header', { origin: '', site: 'cross-site' }],
    ['has no form token', { origin: 'own', csrf: '' }],
    ['has the form token of another session', { origin: 'own', csrf: 'A'.repeat(43) }],
    ['is addressed to another host name', { origin: 'own', host: 'rebound.example:80' }]
  ])('is refused when it %s', async (_description, options) => {
    const origin =
      options.origin === 'own' || options.site !== undefined ? world.origins.hospital : options.origin;
    const answer = await approve({ ...options, ...(origin === undefined ? {} : { origin }) });
    expect(answer.status).toBe(403);
    expect((await decision(submission.id)).state).toBe('pending');
  });

  it('is redirected without a session', async () => {
    const kept = session;
    session = '';
    const answer = await send(`/approve/${submission.id}`, 'GET', {});
    session = kept;
    expect(answer.status).toBe(303);
    expect(answer.text).not.toContain('open_dataset');
  });

  it('is accepted when it is the same as the page’s own form', async () => {
    expect((await approve({ origin: world.origins.hospital })).status).toBe(303);
    expect((await decision(submission.id)).state).toBe('approved');
  });
});
