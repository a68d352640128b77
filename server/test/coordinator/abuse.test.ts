import { describe, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { digestOf, fromBase64, toBase64, toBase64Url, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { Approval } from '@clean-room/protocol/approvals';
import * as api from '../../src/client/coordinator/index.js';
import { World } from '../support/coordinator.js';
import { DATABASES, type DatabaseMaker } from '../support/databases.js';
import { assetOf, collaborationOf, rosterOf } from '../support/parties.js';
import { keyRelease, TestSupervisor } from '../support/supervisor.js';
import { sharedWorld } from '../support/shared-world.js';
import { eventually } from '../support/wait.js';

/** Callers who mean harm, or err. */
describe.each(DATABASES)('the coordinator stands its ground, on %s', (_kind, prepare) => {
  let world: World;
  let maker: DatabaseMaker;
  sharedWorld(prepare, (shared, databases) => {
    [world, maker] = [shared, databases];
  });

  interface Raw {
    readonly status: number;
    readonly body: { code?: string; message?: string; reference?: string };
    readonly headers: Headers;
  }

  /** A request as anybody can make it, without our client's manners. */
  async function raw(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; party?: string; token?: string } = {}
  ): Promise<Raw> {
    const { body, headers = {}, party = 'university', token = world.personToken } = options;
    const response = await fetch(world.coordinator.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'clean-room-party': party,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
    });
    const text = await response.text();
    let parsed: Raw['body'];
    try {
      parsed = JSON.parse(text) as Raw['body'];
    } catch {
      parsed = {};
    }
    return { status: response.status, body: parsed, headers: response.headers };
  }

  describe('form', () => {
    test.each([
      ['an unknown field', 'POST', '/v1/runs', { submission: '0'.repeat(26), priority: 9 }],
      ['a number for a string', 'POST', '/v1/runs', { submission: 1 }],
      ['an unknown query field', 'GET', '/v1/runs?order=desc', undefined],
      ['a limit out of bounds', 'GET', '/v1/runs?limit=100000', undefined],
      ['an id that is none', 'GET', '/v1/runs/..%2f..%2fetc', undefined],
      ['a digest that is none', 'GET', '/v1/objects/sha256%3A..%2f..%2fjob.secret', undefined],
      ['JSON that is none', 'POST', '/v1/runs', '{"submission":'],
      [
        'lists in lists without end',
        'POST',
        '/v1/runs',
        `{"submission":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
      ],
      ['a polluted prototype', 'POST', '/v1/runs', '{"__proto__":{"x":1},"submission":"x"}']
    ])('refuses %s', async (_what, method, path, body) => {
      const answer = await raw(method, path, body === undefined ? {} : { body });
      expect(answer).toMatchObject({ status: 400, body: { code: 'malformed' } });
      expect(answer.body.reference).toBe(answer.headers.get('x-request-id'));
    });

    test.each(['NUL \0', 'half a pair \ud83d'])('refuses a text that can not be kept: %j', async text => {
      const { id } = await world.submit(world.assets.slice(0, 1));
      for (const [path, body] of [
        ['comments', { text }],
        ['changes-requested', { reason: text }]
      ] as const) {
        const answer = await raw('POST', `/v1/submissions/${id}/${path}`, { body, party: 'hospital' });
        expect(answer).toMatchObject({ status: 400, body: { code: 'malformed' } });
      }
    });

    test('refuses bodies of other types, too large ones, and routes it has not', async () => {
      const text = await raw('POST', '/v1/runs', { body: 'x', headers: { 'content-type': 'text/plain' } });
      expect(text).toMatchObject({ status: 400, body: { code: 'malformed' } });
      const large = await raw('POST', '/v1/runs', { body: { submission: 'x'.repeat(2 ** 21) } });
      expect(large).toMatchObject({ status: 413, body: { code: 'too-large' } });
      expect(await raw('GET', '/v1/nothing')).toMatchObject({ status: 404, body: { code: 'not-found' } });
      expect(await raw('DELETE', '/v1/me')).toMatchObject({ status: 404 });
    });

    test('says nothing of its insides, and forbids pages to do anything', async () => {
      const answer = await raw('GET', '/v1/runs/%00');
      expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts|stack|select /);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    });

    test.each([
      '!!',
      toBase64Url(utf8("' or 1=1 --")),
      toBase64Url(Uint8Array.of(255, 254)),
      'x'.repeat(201)
    ])('a cursor made up (%s) opens nothing', async cursor => {
      for (const list of ['submissions', 'runs', 'assets']) {
        expect(await raw('GET', `/v1/${list}?cursor=${encodeURIComponent(cursor)}`)).toMatchObject({
          status: 400
        });
      }
    });
  });

  describe('who', () => {
    test.each([
      ['no token', {}],
      ['a wrong token', { authorization: `Bearer ${'0'.repeat(64)}` }],
      ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }]
    ])('%s opens nothing', async (_what, headers) => {
      for (const path of [
        '/v1/me',
        '/v1/assets',
        '/v1/log/checkpoint',
        '/v1/events',
        `/v1/runs/${'0'.repeat(26)}`
      ]) {
        const response = await fetch(world.coordinator.url + path, {
          headers: headers as Record<string, string>
        });
        expect(response.status).toBe(401);
        await response.body?.cancel();
      }
    });

    test('a person acts for one party at a time, and only for theirs', async () => {
      expect(await raw('GET', '/v1/assets', { party: 'nobody' })).toMatchObject({ status: 403 });
      const response = await fetch(`${world.coordinator.url}/v1/assets`, {
        headers: { authorization: `Bearer ${world.personToken}` }
      });
      expect(response.status).toBe(400);
    });

    test('a person is no custodian, and a custodian no person', async () => {
      const { hospital } = world.parties;
      const { id } = await world.submit(world.assets.slice(0, 1));
      const body = await world.approval(hospital, id);
      await expect(world.person(hospital).call(api.approve, { params: { id }, body })).rejects.toMatchObject({
        code: 'forbidden'
      });
      await expect(world.person(hospital).call(api.listKeyRequests, {})).rejects.toMatchObject({
        code: 'forbidden'
      });
      await expect(
        world.custodian(hospital).call(api.createRun, { body: { submission: id } })
      ).rejects.toMatchObject({ code: 'forbidden' });
    });

    test('roles come from the roster, and leave with it', async () => {
      const { stranger } = world.parties;
      const client = world.person(stranger);
      await client.call(api.publishRoster, { body: { roster: rosterOf(stranger, 2, [{ roles: [] }]) } });
      await expect(client.call(api.previewImage, { body: { spec: '' } })).rejects.toMatchObject({
        code: 'forbidden'
      });
      await client.call(api.publishRoster, { body: { roster: rosterOf(stranger, 3, [{ id: 'bob' }]) } });
      await expect(client.call(api.listAssets, {})).rejects.toMatchObject({ code: 'forbidden' });
      expect((await client.call(api.getMe, {})).parties.map(({ party }) => party)).not.toContain('stranger');
      await client.call(api.publishRoster, { body: { roster: rosterOf(stranger, 4) } });
    });
  });

  describe('signed documents', () => {
    test('a roster goes neither back nor aside, and is signed by its party', async () => {
      const { university, hospital } = world.parties;
      const publish = (client = world.person(hospital), roster = rosterOf(hospital)) =>
        client.call(api.publishRoster, { body: { roster } });
      expect(await publish()).toBeDefined(); // the same again
      await expect(publish(undefined, rosterOf(hospital, 1, [{ name: 'Eve' }]))).rejects.toMatchObject({
        code: 'conflict'
      });
      await expect(publish(undefined, rosterOf(hospital, 0))).rejects.toMatchObject({ code: 'conflict' });
      await expect(publish(world.person(university))).rejects.toMatchObject({ code: 'forbidden' });
      const usurper = { ...hospital, root: generateSigningKey() };
      await expect(publish(undefined, rosterOf(usurper, 9))).rejects.toMatchObject({ code: 'conflict' });
      const forged = rosterOf(usurper, 9);
      const payload = rosterOf(hospital, 9).payload;
      await expect(publish(undefined, { ...forged, payload })).rejects.toMatchObject({
        code: 'signature-invalid'
      });
    });

    test('a collaboration is signed by all members, with the root keys known here', async () => {
      const { university, hospital, stranger } = world.parties;
      const publish = (collaboration = collaborationOf([university, hospital], []).envelope) =>
        world.person(university).call(api.publishCollaboration, { body: { collaboration } });
      const { envelope } = collaborationOf([university, hospital], []);
      await expect(
        publish({ ...envelope, signatures: envelope.signatures.slice(0, 1) })
      ).rejects.toMatchObject({
        code: 'signature-invalid'
      });
      const usurper = { ...hospital, root: generateSigningKey() };
      await expect(publish(collaborationOf([university, usurper], []).envelope)).rejects.toMatchObject({
        code: 'conflict'
      });
      await expect(publish(collaborationOf([hospital, stranger], []).envelope)).rejects.toMatchObject({
        code: 'forbidden'
      });
    });

    test('an asset is signed by its own custodian, has its bytes, and never goes back', async () => {
      const { university, hospital, insurer } = world.parties;
      const open = { to: [university], kernelImage: world.kernelImage };
      const publish = (asset: ReturnType<typeof assetOf>, by = hospital) =>
        world
          .custodian(by)
          .call(api.publishAsset, { body: { version: asset.version, policy: asset.policy } });
      await expect(publish(assetOf(hospital, 'unsent', open))).rejects.toMatchObject({ code: 'not-found' });
      await expect(publish(world.assets[0]!, insurer)).rejects.toMatchObject({ code: 'signature-invalid' });
      const imposter = { ...insurer, custodian: hospital.custodian };
      await expect(publish(assetOf(imposter, 'claims', open))).rejects.toMatchObject({ code: 'forbidden' });
      const changed = assetOf(hospital, 'visits', open, { policy: { coHosted: false } });
      await expect(publish(changed)).rejects.toMatchObject({ code: 'conflict' });
      await expect(
        world.custodian(hospital).call(api.publishAsset, {
          body: { version: world.assets[0]!.version, policy: world.assets[1]!.policy }
        })
      ).rejects.toMatchObject({ code: 'signature-invalid' });
    });
  });

  describe('objects', () => {
    test('what another party put is not there, whoever knows its digest', async () => {
      const { university, hospital, insurer, stranger } = world.parties;
      const secret = randomBytes(100);
      const digest = digestOf(secret);
      const params = { digest };
      await world.custodian(hospital).upload(api.putObject, { params }, secret);
      for (const client of [world.person(university), world.custodian(insurer), world.person(stranger)]) {
        await expect(client.downloadBytes(api.getObject, { params })).rejects.toMatchObject({
          code: 'not-found'
        });
      }
      const body = await world.sign(world.specOf([], secret), secret);
      await expect(world.person(university).call(api.createSubmission, { body })).rejects.toMatchObject({
        code: 'not-found'
      });
      await expect(
        world.person(university).upload(api.putObject, { params }, randomBytes(100))
      ).rejects.toMatchObject({ code: 'digest-mismatch' });
    });

    test('stand-ins are for members, sealed data for its provider', async () => {
      const { university, hospital, stranger } = world.parties;
      const [asset] = world.assets;
      const standIn = { params: { digest: digestOf(asset!.standIn) } };
      const sealed = { params: { digest: digestOf(asset!.sealed) } };
      expect(await world.person(university).downloadBytes(api.getObject, standIn)).toEqual(asset!.standIn);
      expect(await world.custodian(hospital).downloadBytes(api.getObject, sealed)).toEqual(asset!.sealed);
      await expect(world.person(university).downloadBytes(api.getObject, sealed)).rejects.toMatchObject({
        code: 'not-found'
      });
      await expect(world.person(stranger).downloadBytes(api.getObject, standIn)).rejects.toMatchObject({
        code: 'not-found'
      });
    });

    test('a body beyond the limit is refused, told or not', async () => {
      const digest = digestOf(utf8('large'));
      const path = `/v1/objects/${encodeURIComponent(digest)}`;
      const told = await new Promise<number>((resolve, reject) => {
        const put = request(world.coordinator.url + path, {
          method: 'PUT',
          headers: {
            authorization: `Bearer ${world.custodianTokens.get('hospital')}`,
            'content-type': 'application/octet-stream',
            'content-length': 2 ** 40
          }
        });
        put.on('response', response => resolve(response.statusCode ?? 0));
        put.on('error', reject);
        put.write('x');
      });
      expect(told).toBe(413);
      const typed = await fetch(world.coordinator.url + path, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${world.personToken}`,
          'clean-room-party': 'university',
          'content-type': 'application/json'
        },
        body: '{}'
      });
      expect(typed.status).toBe(400);
    });
  });

  describe('submissions', () => {
    async function refused(
      change: (spec: ReturnType<World['specOf']>) => void,
      by = world.parties.university,
      signer = by
    ): Promise<unknown> {
      const notebook = utf8(`print("${randomUUID()}")`);
      const client = world.person(by);
      await client.upload(api.putObject, { params: { digest: digestOf(notebook) } }, notebook);
      const spec = world.specOf(world.assets, notebook, { submitter: signer.researcher.publicKey });
      change(spec);
      const body = await world.sign(spec, notebook, signer);
      return client.call(api.createSubmission, { body }).catch((error: { code: string }) => error.code);
    }

    test('the key that signs is the caller’s own', async () => {
      expect(await refused(() => undefined, world.parties.university, world.parties.hospital)).toBe(
        'forbidden'
      );
    });

    test('outsiders can not submit into a collaboration', async () => {
      const { stranger } = world.parties;
      expect(await refused(() => undefined, stranger)).toBe('forbidden');
    });

    test.each<[string, (spec: ReturnType<World['specOf']>) => void, string]>([
      ['another purpose', spec => (spec.purpose = 'Advertising'), 'policy-refused'],
      [
        'a recipient outside the party',
        spec => (spec.recipients = [`age1${'q'.repeat(58)}`]),
        'policy-refused'
      ],
      ['an unknown kernel image', spec => (spec.kernelImage = digestOf(utf8('other'))), 'image-unknown'],
      ['an unknown collaboration', spec => (spec.collaboration = digestOf(utf8('other'))), 'not-found'],
      ['an unknown version', spec => (spec.assets[0]!.version = digestOf(utf8('other'))), 'not-found'],
      ['a policy of another dataset', spec => (spec.assets[0]!.policy = spec.assets[1]!.policy), 'conflict'],
      ['another custodian', spec => (spec.assets[0]!.custodian = generateSigningKey().publicKey), 'conflict'],
      ['a GPU', spec => (spec.compute.accelerator = 'gpu'), 'policy-refused']
    ])('%s is refused', async (_what, change, code) => {
      expect(await refused(change)).toBe(code);
    });

    test('the image that was signed is the one that is composed here', async () => {
      const client = world.person(world.parties.university);
      const notebook = utf8('print("signed")');
      await client.upload(api.putObject, { params: { digest: digestOf(notebook) } }, notebook);
      const other = utf8('print("other")');
      await client.upload(api.putObject, { params: { digest: digestOf(other) } }, other);
      const { request } = await world.sign(world.specOf([], notebook), notebook);
      const { spec } = await world.sign(world.specOf([], other), other);
      await expect(client.call(api.createSubmission, { body: { spec, request } })).rejects.toMatchObject({
        code: 'digest-mismatch'
      });
    });

    test('bystanders see nothing of it', async () => {
      const { id } = await world.submit(world.assets.slice(0, 1));
      const number = 1;
      for (const client of [world.custodian(world.parties.insurer), world.person(world.parties.stranger)]) {
        expect((await client.call(api.listSubmissions, {})).items.map(item => item.id)).not.toContain(id);
        await expect(client.call(api.getSubmission, { params: { id } })).rejects.toMatchObject({
          code: 'not-found'
        });
        await expect(
          client.downloadBytes(api.getFile, { params: { id, number, '*': 'explore.ipynb' } })
        ).rejects.toMatchObject({ code: 'not-found' });
      }
      await expect(
        world.person(world.parties.stranger).call(api.addComment, { params: { id }, body: { text: 'hi' } })
      ).rejects.toMatchObject({ code: 'not-found' });
      await expect(
        world.person(world.parties.hospital).call(api.withdraw, { params: { id } })
      ).rejects.toMatchObject({ code: 'forbidden' });
      for (const path of ['../spec.json', '..%2Fspec.json', 'explore.ipynb%00', '%2Fetc%2Fpasswd']) {
        const answer = await raw('GET', `/v1/submissions/${id}/revisions/1/files/${path}`);
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
    });
  });

  describe('approvals', () => {
    async function refusal(changes: Partial<Approval>, by = world.parties.hospital): Promise<unknown> {
      const { id } = await world.submit();
      const body = await world.approval(world.parties.hospital, id, changes);
      const answer = await world
        .custodian(by)
        .call(api.approve, { params: { id }, body })
        .catch((error: { code: string }) => error.code);
      const { revisions } = await world
        .custodian(world.parties.hospital)
        .call(api.getSubmission, { params: { id } });
      expect(revisions[0]!.decisions.every(decision => decision.state === 'pending')).toBe(true);
      return answer;
    }

    test.each<[string, Partial<Approval>]>([
      ['another image', { image: digestOf(utf8('other')) }],
      ['another spec', { spec: digestOf(utf8('other')) }],
      [
        'fewer assets',
        { assets: [{ name: 'hospital/other', version: digestOf(utf8('x')), policy: digestOf(utf8('y')) }] }
      ],
      ['more attempts than the policy has', { attempts: 4 }],
      ['a reviewer who is none', { reviewer: 'eve' }],
      ['a passkey that did not answer', { unattended: false }]
    ])('one for %s does not count', async (_what, changes) => {
      expect(await refusal(changes)).toBe('approval-invalid');
    });

    test('one that has ended, is forged, or comes from another custodian does not count', async () => {
      expect(await refusal({ expires: '2026-01-01T00:00:00Z' })).toBe('expired');
      expect(await refusal({}, world.parties.insurer)).toBe('signature-invalid');
      const { hospital } = world.parties;
      const { id } = await world.submit();
      const { envelope, roster } = await world.approval(hospital, id);
      const value = Approval.peek(envelope).value;
      const forged = { envelope: Approval.sign(value, generateSigningKey()), roster };
      await expect(
        world.custodian(hospital).call(api.approve, { params: { id }, body: forged })
      ).rejects.toMatchObject({ code: 'signature-invalid' });
      const relabelled = {
        ...forged.envelope,
        signatures: [{ ...forged.envelope.signatures[0]!, keyid: hospital.custodian.publicKey }]
      };
      await expect(
        world
          .custodian(hospital)
          .call(api.approve, { params: { id }, body: { envelope: relabelled, roster } })
      ).rejects.toMatchObject({ code: 'signature-invalid' });
    });

    test('two providers at once approve one run, not two', async () => {
      const { university, hospital, insurer } = world.parties;
      const { id } = await world.submit();
      const bodies = await Promise.all([world.approval(hospital, id), world.approval(insurer, id)]);
      await Promise.all(
        [hospital, insurer].flatMap((provider, index) =>
          [1, 2, 3].map(() =>
            world.custodian(provider).call(api.approve, { params: { id }, body: bodies[index]! })
          )
        )
      );
      const view = await world.person(university).call(api.getSubmission, { params: { id } });
      expect(view.revisions[0]).toMatchObject({ state: 'approved' });
      expect(view.runs).toHaveLength(1);
    }, 30_000);

    test('yes and no at once: one of them holds, and everything agrees with it', async () => {
      const { university, hospital } = world.parties;
      const { id } = await world.submit(world.assets.slice(0, 1));
      const body = await world.approval(hospital, id);
      await Promise.allSettled([
        world.custodian(hospital).call(api.approve, { params: { id }, body }),
        world.person(university).call(api.withdraw, { params: { id } })
      ]);
      const { revisions, runs } = await world.person(university).call(api.getSubmission, { params: { id } });
      expect(revisions[0]!.state).toBe('withdrawn');
      for (const run of runs) expect(run.state).toBe('cancelled');
    }, 30_000);
  });

  describe('idempotency keys', () => {
    test('a repeated request counts once, at once or one after the other', async () => {
      const client = world.person(world.parties.university);
      const { id } = await world.submit([]);
      const idempotencyKey = randomUUID();
      const say = (text: string) =>
        client.call(api.addComment, { params: { id }, body: { text }, idempotencyKey });
      const answers = await Promise.all([say('hello'), say('hello'), say('hello')]);
      expect(new Set(answers.map(answer => answer.id)).size).toBe(1);
      expect((await say('hello')).id).toBe(answers[0]!.id);
      await expect(say('something else')).rejects.toMatchObject({ code: 'conflict' });
      const { comments } = await client.call(api.getSubmission, { params: { id } });
      expect(comments).toHaveLength(1);
    }, 30_000);

    test('another caller’s key is another key', async () => {
      const { university, hospital } = world.parties;
      const { id } = await world.submit(world.assets.slice(0, 1));
      const idempotencyKey = randomUUID();
      const body = { text: 'same words' };
      const first = await world
        .person(university)
        .call(api.addComment, { params: { id }, body, idempotencyKey });
      const second = await world
        .person(hospital)
        .call(api.addComment, { params: { id }, body, idempotencyKey });
      expect(second.id).not.toBe(first.id);
      expect(second.by.party).toBe('hospital');
    });

    test('a request that failed may be sent again under its key', async () => {
      const { hospital } = world.parties;
      const { id } = await world.submit(world.assets.slice(0, 1));
      const idempotencyKey = randomUUID();
      const bad = await world.approval(hospital, id, { attempts: 9 });
      const approve = (body: typeof bad) =>
        world.custodian(hospital).call(api.approve, { params: { id }, body, idempotencyKey });
      await expect(approve(bad)).rejects.toMatchObject({ code: 'approval-invalid' });
      expect(await approve(await world.approval(hospital, id))).toMatchObject({ state: 'approved' });
    });

    test.each(['short', 'with space', 'ü'.repeat(8), 'x'.repeat(129)])('%s is no key', async key => {
      const headers = { 'idempotency-key': Buffer.from(key).toString('latin1') };
      const answer = await raw('POST', '/v1/runs', { body: { submission: '0'.repeat(26) }, headers });
      expect(answer).toMatchObject({ status: 400 });
    });
  });

  describe('jobs', () => {
    async function started(): Promise<{
      id: string;
      run: string;
      supervisor: TestSupervisor;
      spec: Uint8Array;
    }> {
      const { university, hospital } = world.parties;
      const { id, image } = await world.submit(world.assets.slice(0, 1));
      await world.approve(hospital, id);
      const plan = await eventually(() => world.backend.starts.find(start => start.image === image));
      const view = await world.person(university).call(api.getSubmission, { params: { id } });
      return {
        id,
        run: view.runs[0]!.id,
        supervisor: new TestSupervisor(() => world.supervisor(), plan),
        spec: fromBase64(view.revisions[0]!.spec)
      };
    }

    test('a job made up opens nothing', async () => {
      const job = randomBytes(32).toString('base64url');
      await expect(world.supervisor().call(api.getJob, { params: { job } })).rejects.toMatchObject({
        code: 'not-found'
      });
    });

    test('a job reaches its own objects, its own requests and its own program alone', async () => {
      const { hospital, insurer } = world.parties;
      const { supervisor, spec } = await started();
      for (const digest of [digestOf(world.assets[1]!.sealed), digestOf(world.assets[0]!.standIn)]) {
        await expect(
          world.supervisor().downloadBytes(api.getJobObject, { params: { job: supervisor.job, digest } })
        ).rejects.toMatchObject({ code: 'not-found' });
      }
      const document = await supervisor.document();
      const message = supervisor.keyRequest(spec, document.approvals[0]!, document.collaboration);
      const request = await supervisor.ask(message);
      await expect(
        world.custodian(insurer).call(api.answerKeyRequest, {
          params: { request },
          body: { answer: keyRelease(hospital, message) }
        })
      ).rejects.toMatchObject({ code: 'not-found' });
      const forged = keyRelease(hospital, message, generateSigningKey());
      await expect(
        world
          .custodian(hospital)
          .call(api.answerKeyRequest, { params: { request }, body: { answer: forged } })
      ).rejects.toMatchObject({ code: 'signature-invalid' });
      await world
        .custodian(hospital)
        .call(api.answerKeyRequest, { params: { request }, body: { refused: 'policy-refused' } });
      await expect(
        world.custodian(hospital).call(api.answerKeyRequest, {
          params: { request },
          body: { answer: keyRelease(hospital, message) }
        })
      ).rejects.toMatchObject({ code: 'conflict' });
      const other = await started();
      await expect(other.supervisor.reply(request)).rejects.toMatchObject({ code: 'not-found' });
      await expect(other.supervisor.ask(message)).rejects.toMatchObject({ code: 'forbidden' });
    }, 30_000);

    test('a result names what was put, is of this program, and is the only one', async () => {
      const { supervisor, spec } = await started();
      const output = { digest: digestOf(utf8('never put')), bytes: 9 };
      await expect(supervisor.post(supervisor.result(spec, output, []))).rejects.toMatchObject({
        code: 'digest-mismatch'
      });
      await expect(supervisor.deliver(spec, [], { image: digestOf(utf8('other')) })).rejects.toMatchObject({
        code: 'digest-mismatch'
      });
      const result = await supervisor.put(spec);
      const also = { ...result, outputs: [...result.outputs, output.digest] };
      await expect(supervisor.post(also)).rejects.toMatchObject({ code: 'digest-mismatch' });
      const statement = toBase64(utf8('{}'));
      await expect(supervisor.post({ ...result, statement })).rejects.toMatchObject({ code: 'malformed' });
      await supervisor.post(result);
      await expect(supervisor.deliver(spec)).rejects.toMatchObject({ code: 'conflict' });
      const second = supervisor.result(spec, { digest: result.outputs[0]!, bytes: 64 }, [], {
        endedAt: '2026-01-01T00:02:00Z'
      });
      await expect(supervisor.post(second)).rejects.toMatchObject({ code: 'conflict' });
    }, 30_000);

    test('attempts are counted by the keys that were given', async () => {
      const { university, hospital } = world.parties;
      const { id, run, supervisor, spec } = await started();
      const document = await supervisor.document();
      const message = supervisor.keyRequest(spec, document.approvals[0]!, document.collaboration);
      const request = await supervisor.ask(message);
      const body = { answer: keyRelease(hospital, message) };
      await world.custodian(hospital).call(api.answerKeyRequest, { params: { request }, body });
      await world.person(university).call(api.cancelRun, { params: { id: run } });
      await expect(
        world.person(university).call(api.createRun, { body: { submission: id } })
      ).rejects.toMatchObject({ code: 'attempts-spent' });
    }, 30_000);
  });

  test('too many requests with one credential are refused, and others still served', async () => {
    const strict = await World.start({ database: await maker.make(), limits: { requestsPerMinute: 5 } });
    const ask = (token: string) =>
      fetch(`${strict.coordinator.url}/v1/me`, { headers: { authorization: `Bearer ${token}` } }).then(
        async response => (await response.body?.cancel(), response.status)
      );
    const statuses = [];
    for (let i = 0; i < 7; i++) statuses.push(await ask(strict.personToken));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect(await ask(strict.custodianTokens.get('hospital')!)).toBe(200);
    expect((await fetch(`${strict.coordinator.url}/healthz`)).status).toBe(200);
    await strict.stop();
  }, 120_000);
});
