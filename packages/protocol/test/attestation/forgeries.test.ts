import { describe, expect, test } from '@jest/globals';
import { createHmac, createPublicKey, constants, sign } from 'node:crypto';
import type { TokenRequest } from '../../src/attestation/request.js';
import { GOOGLE_ISSUER, SIMULATED_HARDWARE, SIMULATOR_ISSUER } from '../../src/attestation/trust.js';
import { STEP_CODES, STEPS, type StepCode } from '../../src/attestation/steps.js';
import { verifyToken } from '../../src/attestation/verify.js';
import {
  encode,
  JOB,
  leafKey,
  makeChain,
  makeKey,
  NOW,
  pinned,
  pkiHeader,
  productionPayload,
  signToken,
  type Payload
} from './support/authority.js';

const CHAIN = makeChain();
const HEADER = pkiHeader(CHAIN);
const REQUEST: TokenRequest = {
  profile: 'production',
  at: NOW,
  trust: { pkiRoots: [pinned(CHAIN[2])] },
  expect: {
    audience: 'clean-room:run:v1',
    nonces: ['n'.repeat(43)],
    imageDigest: `sha256:${'1'.repeat(64)}`,
    projectId: 'operator',
    zone: 'europe-west4-a',
    serviceAccounts: ['workload@operator.iam.gserviceaccount.com'],
    args: ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'],
    env: {},
    maxAgeSeconds: 300
  }
};

/** Returns the codes of the steps that fail. */
async function codes(token: string, request: TokenRequest = REQUEST): Promise<(StepCode | undefined)[]> {
  const appraisal = await verifyToken(token, request);
  const failed = appraisal.steps.filter(step => step.status === 'fail');
  expect(appraisal.ok).toBe(failed.length === 0);
  return failed.map(step => step.code);
}

/** Returns a payload that passes every check, except for a change. */
function payload(change: (payload: Payload & Record<string, unknown>) => void): object {
  const changed = productionPayload() as Payload & Record<string, unknown>;
  change(changed);
  return changed;
}

/** Returns a signed token with a changed payload. */
const claiming = (change: Parameters<typeof payload>[0]) => signToken(HEADER, payload(change));

test('a token without changes passes every step', async () => {
  expect(await codes(signToken(HEADER, productionPayload()))).toEqual([]);
});

test('every report has every step once, in the published order', async () => {
  const order = Object.keys(STEPS);
  for (const token of [
    signToken(HEADER, productionPayload()),
    claiming(p => (p.iss = 'https://evil.example')),
    'garbage'
  ]) {
    const ids = (await verifyToken(token, REQUEST)).steps.map(step => step.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(order.filter(id => ids.includes(id as (typeof ids)[number])));
    expect(ids).toEqual(
      expect.arrayContaining(['format', 'header', 'signature', 'claims', 'image', 'gpu-models'])
    );
  }
});

describe('form and header: a token is refused with', () => {
  const public_ = createPublicKey(leafKey());
  const jwk = public_.export({ format: 'jwk' });
  const body = encode(productionPayload());

  test('alg none, with and without a signature', async () => {
    const header = encode({ ...HEADER, alg: 'none' });
    expect(await codes(`${header}.${body}.`)).toEqual(['algorithm-refused']);
    expect(await codes(signToken({ ...HEADER, alg: 'none' }, productionPayload()))).toEqual([
      'algorithm-refused'
    ]);
  });

  test('HS256 and the public key as its secret', async () => {
    const signed = `${encode({ ...HEADER, alg: 'HS256' })}.${body}`;
    const mac = createHmac('sha256', public_.export({ type: 'spki', format: 'pem' })).update(signed);
    expect(await codes(`${signed}.${mac.digest('base64url')}`)).toEqual(['algorithm-refused']);
  });

  test('PS256 and the right key', async () => {
    const signed = `${encode({ ...HEADER, alg: 'PS256' })}.${body}`;
    const key = { key: leafKey(), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const signature = sign('sha256', Buffer.from(signed), key).toString('base64url');
    expect(await codes(`${signed}.${signature}`)).toEqual(['algorithm-refused']);
  });

  test.each([
    ['jwk', jwk],
    ['jku', 'https://evil.example/keys'],
    ['x5u', 'https://evil.example/chain'],
    ['crit', ['exp']],
    ['b64', false],
    ['typ', 'secevent+jwt']
  ])('the field %s', async (name, value) => {
    expect(await codes(signToken({ ...HEADER, [name]: value }, productionPayload()))).toEqual([
      'header-refused'
    ]);
  });

  test.each([
    ['none', []],
    ['one', [0]],
    ['two', [0, 1]],
    ['four', [0, 1, 2, 2]]
  ])('%s of the certificates', async (_, picked) => {
    const chain = picked.map(index => CHAIN[index] ?? Buffer.alloc(0));
    expect(await codes(signToken(pkiHeader(chain), productionPayload()))).toEqual(['x5c-count']);
  });

  test('certificates that are not a list of strings', async () => {
    for (const x5c of ['text', [1, 2, 3], null, { length: 3 }]) {
      expect(await codes(signToken({ alg: 'RS256', x5c }, productionPayload()))).toEqual(['x5c-count']);
    }
  });

  test.each([
    ['nothing', ''],
    ['two parts', 'e30.e30'],
    ['four parts', 'e30.e30.e30.e30'],
    ['no base64url', '!!.e30.'],
    ['no JSON', `${encode('{')}.e30.`],
    ['a list as header', `${encode([])}.e30.`],
    ['null as payload', `e30.${encode(null)}.`],
    ['a huge text', 'e30.'.padEnd(70_000, 'A') + '.'],
    ['a trailing line feed', `${signToken(HEADER, productionPayload())}\n`]
  ])('a text that is not a token: %s', async (_, token) => {
    expect(await codes(token)).toEqual(['token-malformed']);
  });
});

describe('issuer and keys: a token is refused with', () => {
  const oidc = { alg: 'RS256', kid: 'k1', typ: 'JWT' };
  const jwk = { ...createPublicKey(leafKey()).export({ format: 'jwk' }), kid: 'k1' };
  const trusting = (keys: object[], issuer = GOOGLE_ISSUER) => ({
    ...REQUEST,
    trust: { pkiRoots: [], jwks: [{ issuer, keys }] }
  });

  test.each([
    'fake-issuer-for-testing',
    `${GOOGLE_ISSUER}/`,
    'https://portal.trustauthority.intel.com',
    '',
    7,
    undefined
  ])('the issuer %p', async iss => {
    const token = claiming(p => Object.assign(p, { iss }));
    expect(await codes(token)).toEqual(['issuer-unknown']);
  });

  test('keys that are trusted only for another issuer', async () => {
    const token = signToken(oidc, productionPayload());
    expect(await codes(token, trusting([jwk]))).toEqual([]);
    expect(await codes(token, trusting([jwk], SIMULATOR_ISSUER))).toEqual(['key-unknown']);
    const foreign = signToken(
      oidc,
      payload(p => (p.iss = 'fake-issuer-for-testing'))
    );
    expect(await codes(foreign, trusting([jwk], 'fake-issuer-for-testing'))).toEqual(['issuer-unknown']);
  });

  test('a key ID that is unknown, absent or ambiguous', async () => {
    const token = signToken(oidc, productionPayload());
    expect(await codes(token, trusting([{ ...jwk, kid: 'k2' }]))).toEqual(['key-unknown']);
    expect(await codes(token, trusting([jwk, jwk]))).toEqual(['key-unknown']);
    const anonymous = signToken({ alg: 'RS256' }, productionPayload());
    expect(await codes(anonymous, trusting([{ ...jwk, kid: undefined }]))).toEqual(['key-unknown']);
  });

  test('a key for another use', async () => {
    const token = signToken(oidc, productionPayload());
    const small = createPublicKey(makeKey(1024)).export({ format: 'jwk' });
    for (const unfit of [
      { ...jwk, use: 'enc' },
      { ...jwk, alg: 'PS256' },
      { kty: 'oct', k: 'AAAA', kid: 'k1' },
      { ...small, kid: 'k1' },
      { kty: 'RSA', kid: 'k1' }
    ]) {
      expect(await codes(token, trusting([unfit]))).toEqual(['key-refused']);
    }
  });

  test('a signature by another key', async () => {
    const token = signToken(oidc, productionPayload(), makeKey());
    expect(await codes(token, trusting([jwk]))).toEqual(['signature-invalid']);
  });
});

describe('claims: a token is refused with', () => {
  const cases: [string, StepCode, Parameters<typeof payload>[0]][] = [
    ['another audience', 'audience-mismatch', p => (p.aud = 'https://sts.googleapis.com')],
    [
      'an issue time in the future',
      'token-not-yet-valid',
      p => Object.assign(p, { iat: p.iat + 200, nbf: p.nbf + 200 })
    ],
    ['an end before its beginning', 'token-times', p => (p.exp = p.iat)],
    ['too great an age', 'token-too-old', p => Object.assign(p, { iat: p.iat - 241, nbf: p.nbf - 241 })],
    ['another nonce', 'nonce-missing', p => (p.eat_nonce = 'x'.repeat(43))],
    ['no nonce', 'nonce-missing', p => Reflect.deleteProperty(p, 'eat_nonce')],
    ['seven nonces', 'nonce-count', p => (p.eat_nonce = Array.from({ length: 7 }, () => 'n'.repeat(43)))],
    ['a Confidential VM without Confidential Space', 'software-refused', p => (p.swname = 'GCE')],
    ['a debug machine', 'debug-enabled', p => (p.dbgstat = 'enabled')],
    ['an unknown debug state', 'debug-enabled', p => (p.dbgstat = 'disabled')],
    ['secure boot off', 'secure-boot-off', p => (p.secboot = false)],
    ['a shielded VM', 'hardware-refused', p => (p.hwmodel = 'GCP_SHIELDED_VM')],
    ['unknown hardware', 'hardware-refused', p => (p.hwmodel = 'INTEL_TDX')],
    [
      'no support attributes',
      'not-stable',
      p => (p.submods.confidential_space.support_attributes = undefined)
    ],
    [
      'only USABLE as support attribute',
      'not-stable',
      p => (p.submods.confidential_space.support_attributes = ['USABLE'])
    ],
    [
      'EXPERIMENTAL as support attribute',
      'not-stable',
      p => (p.submods.confidential_space.support_attributes = ['EXPERIMENTAL as support attribute'])
    ],
    [
      'another image',
      'image-digest-mismatch',
      p => (p.submods.container.image_digest = `sha256:${'3'.repeat(64)}`)
    ],
    ['another command', 'command-overridden', p => (p.submods.container.cmd_override = ['--x'])],
    ['another argument', 'arguments-mismatch', p => p.submods.container.args.push('--inspect')],
    ['a missing argument', 'arguments-mismatch', p => p.submods.container.args.pop()],
    [
      'an extra variable',
      'environment-unexpected',
      p => (p.submods.container.env_override['LD_PRELOAD'] = '/x.so')
    ],
    [
      'a variable named like a method',
      'environment-unexpected',
      p => (p.submods.container.env_override['constructor'] = 'x')
    ],
    [
      'a job that is not an address',
      'job-address-form',
      p => (p.submods.container.env_override['CLEAN_ROOM_JOB'] = '{"keys":[]}')
    ],
    ['a restart policy', 'restart-refused', p => (p.submods.container.restart_policy = 'Always')],
    [
      'memory monitoring',
      'memory-monitored',
      p => (p.submods.confidential_space.monitoring_enabled = { memory: true })
    ],
    [
      'no claim about monitoring',
      'memory-monitored',
      p => (p.submods.confidential_space.monitoring_enabled = undefined)
    ],
    ['another project', 'project-mismatch', p => (p.submods.gce.project_id = 'other')],
    ['another zone', 'zone-mismatch', p => (p.submods.gce.zone = 'us-central1-a')],
    ['another service account', 'service-accounts-mismatch', p => (p.google_service_accounts = ['x@y'])],
    ['one more service account', 'service-accounts-mismatch', p => p.google_service_accounts.push('x@y')],
    [
      'a GPU without protection',
      'gpu-not-confidential',
      p => Object.assign(p.submods, { nvidia_gpu: { cc_mode: 'OFF' } })
    ],
    [
      'a GPU for developers',
      'gpu-not-confidential',
      p => Object.assign(p.submods, { nvidia_gpu: { cc_mode: 'DEVTOOLS' } })
    ]
  ];
  test.each(cases)('%s: %s', async (_, code, change) => {
    expect(await codes(claiming(change))).toEqual([code]);
  });

  test('an expiry more than 60 s ago', async () => {
    const at = (seconds: number) => ({
      ...REQUEST,
      expect: {},
      at: new Date(NOW.getTime() + seconds * 1000)
    });
    const token = claiming(() => undefined);
    expect(await codes(token, at(3540 + 60))).toEqual([]);
    expect(await codes(token, at(3540 + 61))).toEqual(['token-expired']);
  });

  test('several wrong claims, and all of them are reported', async () => {
    const token = claiming(p => {
      p.aud = 'other';
      p.dbgstat = 'enabled';
      p.submods.container.image_digest = `sha256:${'3'.repeat(64)}`;
    });
    expect(await codes(token)).toEqual(['audience-mismatch', 'debug-enabled', 'image-digest-mismatch']);
  });

  test.each<[string, Parameters<typeof payload>[0]]>([
    ['a string instead of a number', p => Object.assign(p, { exp: '1' })],
    ['a fraction of a second', p => (p.iat += 0.5)],
    ['secure boot as a string', p => Object.assign(p, { secboot: 'true' })],
    ['a nonce that is a number', p => Object.assign(p, { eat_nonce: 7 })],
    ['several audiences', p => Object.assign(p, { aud: ['clean-room:run:v1', 'other'] })],
    ['no container', p => Object.assign(p.submods, { container: undefined })],
    ['a digest of another form', p => (p.submods.container.image_digest = 'latest')],
    ['a variable that is not a string', p => Object.assign(p.submods.container.env_override, { A: 1 })],
    [
      'support attributes as a string',
      p => Object.assign(p.submods.confidential_space, { support_attributes: 'STABLE' })
    ]
  ])('a malformed claim: %s', async (_, change) => {
    expect(await codes(claiming(change))).toEqual(['claims-malformed']);
  });

  test.each([
    ['tcp://host/v1/jobs/'],
    ['https://user@host/v1/jobs/'],
    ['https://host/v1/jobs/../'],
    ['https://host/v2/jobs/'],
    ['https://host/?x=/v1/jobs/'],
    ['https://host /v1/jobs/'],
    ['https://host:999999/v1/jobs/']
  ])('a job address that begins with %s', async prefix => {
    const job = `${prefix}${'a'.repeat(26)}`;
    const token = claiming(p => (p.submods.container.env_override['CLEAN_ROOM_JOB'] = job));
    expect(await codes(token)).toEqual(['job-address-form']);
  });

  test('a job id that is too short, or followed by more', async () => {
    for (const job of [JOB.slice(0, -10), `${JOB}?x`, `${JOB}#x`, `${JOB}/x`, `${JOB}\n`]) {
      const token = claiming(p => (p.submods.container.env_override['CLEAN_ROOM_JOB'] = job));
      expect(await codes(token)).toEqual(['job-address-form']);
    }
  });

  test('an expected variable that is missing or has another value', async () => {
    const request = { ...REQUEST, expect: { ...REQUEST.expect, env: { MODE: 'full' } } };
    expect(
      await codes(
        claiming(() => undefined),
        request
      )
    ).toEqual(['environment-mismatch']);
    const other = claiming(p => {
      p.submods.container.env_override['MODE'] = 'none';
      p.submods.container.env['MODE'] = 'full';
    });
    expect(await codes(other, request)).toEqual(['environment-mismatch']);
  });

  test('GPUs that were not expected, or are missing', async () => {
    const request = {
      ...REQUEST,
      expect: { ...REQUEST.expect, gpu: { hwmodels: ['GCP_NVIDIA_H100'], driverVersions: ['595.58.03'] } }
    };
    const withGpus = (gpus: object[]) =>
      claiming(p => Object.assign(p.submods, { nvidia_gpu: { cc_mode: 'ON', gpus } }));
    const h100 = { hwmodel: 'GCP_NVIDIA_H100', driver_version: '595.58.03' };
    expect(await codes(withGpus([h100]), request)).toEqual([]);
    expect(await codes(withGpus([h100, { ...h100, driver_version: '1' }]), request)).toEqual(['gpu-refused']);
    expect(await codes(withGpus([{ hwmodel: 'GCP_NVIDIA_H100' }]), request)).toEqual(['gpu-refused']);
    expect(
      await codes(
        claiming(() => undefined),
        request
      )
    ).toEqual(['gpu-missing', 'gpu-refused']);
  });

  test('hardware that is not a TEE, even if it is expected', async () => {
    const request = (hwmodels: string[]) => ({ ...REQUEST, expect: { ...REQUEST.expect, hwmodels } });
    const shielded = claiming(p => (p.hwmodel = 'GCP_SHIELDED_VM'));
    expect(await codes(shielded, request(['GCP_SHIELDED_VM']))).toEqual(['hardware-refused']);
    const sev = claiming(p => (p.hwmodel = 'GCP_AMD_SEV'));
    expect(await codes(sev)).toEqual([]);
    expect(await codes(sev, request(['GCP_INTEL_TDX']))).toEqual(['hardware-refused']);
  });
});

describe('a token is accepted with', () => {
  test.each<[string, Parameters<typeof payload>[0]]>([
    ['one nonce as a string', p => (p.eat_nonce = 'n'.repeat(43))],
    ['one nonce as an array', p => (p.eat_nonce = ['n'.repeat(43)])],
    ['six nonces', p => (p.eat_nonce = ['1', '2', '3', 'n', '5', '6'].map(nonce => nonce.repeat(43)))],
    ['tdx as an array', p => (p.tdx = [p.tdx])],
    ['no tdx', p => Reflect.deleteProperty(p, 'tdx')],
    ['no environment override', p => Object.assign(p.submods.container, { env_override: undefined })],
    ['a null environment override', p => Object.assign(p.submods.container, { env_override: null })],
    ['a null command override', p => (p.submods.container.cmd_override = null)],
    ['an empty command override', p => (p.submods.container.cmd_override = [])],
    [
      'unknown claims',
      p => Object.assign(p, { tee: {}, 'https://aws.amazon.com/tags': { principal_tags: {} } })
    ],
    [
      'a reference that names another digest',
      p => (p.submods.container.image_reference = `x/y@sha256:${'9'.repeat(64)}`)
    ],
    ['a reference that is a tag', p => (p.submods.container.image_reference = 'x/y:latest')],
    ['an issue time within the allowed skew', p => Object.assign(p, { iat: p.iat + 119, nbf: p.nbf + 119 })]
  ])('%s', async (_, change) => {
    expect(await codes(claiming(change))).toEqual([]);
  });

  test('PEM certificates, with either line ending', async () => {
    for (const eol of ['\n', '\r\n']) {
      const x5c = CHAIN.map(der => {
        const lines = der.toString('base64').replaceAll(/.{64}/g, `$&${eol}`);
        return `-----BEGIN CERTIFICATE-----${eol}${lines}${eol}-----END CERTIFICATE-----${eol}`;
      });
      expect(await codes(signToken({ ...HEADER, x5c }, productionPayload()))).toEqual([]);
    }
  });

  test('one of several images', async () => {
    const imageDigest = [`sha256:${'8'.repeat(64)}`, `sha256:${'1'.repeat(64)}`];
    const request = { ...REQUEST, expect: { ...REQUEST.expect, imageDigest } };
    expect(
      await codes(
        claiming(() => undefined),
        request
      )
    ).toEqual([]);
  });

  test('no expectations, and the report says that they were not checked', async () => {
    const appraisal = await verifyToken(
      claiming(() => undefined),
      {
        profile: 'signature',
        at: NOW,
        trust: REQUEST.trust
      }
    );
    expect(appraisal.ok).toBe(true);
    const checked = appraisal.steps.filter(step => step.status === 'pass').map(step => step.id);
    expect(checked).toEqual([
      'format',
      'header',
      'issuer',
      'certificates',
      'root',
      'chain',
      'certificate-times',
      'signature',
      'claims',
      'simulator',
      'times'
    ]);
  });
});

describe('a simulated token', () => {
  const trust = { pkiRoots: [pinned(CHAIN[2], 'simulated')] };
  const simulated = (p: Payload) => Object.assign(p, { iss: SIMULATOR_ISSUER, hwmodel: SIMULATED_HARDWARE });

  test('is accepted only if the policy accepts the simulator, and only with its root', async () => {
    const token = claiming(simulated);
    expect(await codes(token, { ...REQUEST, trust, acceptSimulator: true })).toEqual([]);
    for (const profile of ['signature', 'production'] as const) {
      expect((await codes(token, { ...REQUEST, profile, trust }))[0]).toBe('simulator-refused');
      expect(
        await codes(token, { ...REQUEST, profile, acceptSimulator: true, trust: { pkiRoots: [] } })
      ).toEqual(['root-unknown']);
    }
    expect((await verifyToken(token, REQUEST)).simulated).toBe(true);
  });

  test('is refused with Google’s root or Google’s issuer', async () => {
    const request = { ...REQUEST, acceptSimulator: true };
    expect(
      await codes(
        claiming(() => undefined),
        { ...request, trust }
      )
    ).toEqual(['root-issuer-mismatch']);
    expect(await codes(claiming(simulated), request)).toEqual(['root-issuer-mismatch']);
  });

  test('must be simulated in both issuer and hardware', async () => {
    const request = { ...REQUEST, acceptSimulator: true };
    const halfway = claiming(p => (p.iss = SIMULATOR_ISSUER));
    expect(await codes(halfway, { ...request, trust })).toEqual(['simulator-inconsistent']);
    const other = claiming(p => (p.hwmodel = SIMULATED_HARDWARE));
    expect(await codes(other, request)).toEqual(['simulator-inconsistent']);
  });
});

test('an invalid date is refused', async () => {
  const at = new Date('yesterday evening');
  const verification = verifyToken(signToken(HEADER, productionPayload()), { ...REQUEST, at });
  await expect(verification).rejects.toMatchObject({ code: 'malformed' });
});

test('no failure code is listed twice', () => {
  expect(new Set(STEP_CODES).size).toBe(STEP_CODES.length);
});
