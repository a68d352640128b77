import { utf8 } from '../../src/bytes/encoding.js';
import { readSpec, sortedByName } from '../../src/submissions/check.js';
import { SubmissionRequest, openSubmissionRequest } from '../../src/submissions/request.js';
import { Spec } from '../../src/submissions/spec.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import { IMAGE, KERNEL_IMAGE, makeWorld } from '../support/world.js';

describe('a spec', () => {
  const { specValue } = makeWorld();
  const [file, asset] = [specValue.workspace[0]!, specValue.assets[0]!];

  it.each([
    ['files out of order', { workspace: [file, { ...file, path: 'a.py' }] }],
    ['a file twice', { workspace: [file, file] }],
    ['an asset twice', { assets: [asset, asset] }],
    ['a notebook it does not hold', { notebook: 'other.ipynb' }],
    ['parameters that are no object', { parameters: '[]' }],
    ['parameters with a key twice', { parameters: '{"a":1,"a":2}' }],
    ['a recipient twice', { recipients: [specValue.recipients[0]!, specValue.recipients[0]!] }]
  ])('with %s is refused', (_name, change) => {
    expect(() => readSpec(Spec.write({ ...specValue, ...change }))).toThrow(
      expect.objectContaining({ code: 'malformed' })
    );
  });

  it('in another spelling is refused', () => {
    expect(() => readSpec(utf8(JSON.stringify(specValue, null, 1)))).toThrow(/canonical/);
  });

  it('sorts names by their UTF-8 bytes, not by UTF-16 units', () => {
    expect(sortedByName(['\u{1F600}', '\uFF5E', 'b', 'B'], name => name)).toEqual([
      'B',
      'b',
      '\uFF5E',
      '\u{1F600}'
    ]);
  });
});

describe('a submission request', () => {
  const { spec, keys } = makeWorld();
  const value = {
    format: 'clean-room.submission-request/v1' as const,
    spec: spec.digest,
    image: IMAGE,
    submitter: keys.researcher.publicKey
  };

  it('must be signed by the submitter of the spec, for this spec and this image', () => {
    const envelope = SubmissionRequest.sign(value, keys.researcher);
    expect(openSubmissionRequest(envelope, spec, IMAGE).value).toEqual(value);
    expect(() => openSubmissionRequest(envelope, spec, KERNEL_IMAGE)).toThrow(/another image/);
    const forged = SubmissionRequest.sign(value, generateSigningKey());
    expect(() => openSubmissionRequest(forged, spec, IMAGE)).toThrow(/not signed/);
    const elsewhere = SubmissionRequest.sign({ ...value, spec: KERNEL_IMAGE }, keys.researcher);
    expect(() => openSubmissionRequest(elsewhere, spec, IMAGE)).toThrow(/another spec/);
  });
});
