import { describe, expect, test } from '@jest/globals';
import { debianLicences, licenceText, wheelLicence } from '../../src/sbom/licences.js';

const debian = (copyright: string): string[] => debianLicences(copyright, 'sample').map(licenceText);

describe('the licences of a Debian package', () => {
  const head = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nSource: x\n\n';

  test('are those of a machine-readable copyright file, each once, with the identifiers of SPDX', () => {
    const text = `${head}Files: *\nLicense: GPL-2+\n\nFiles: a\nLicense: Expat\n\nLicense: GPL-2+\n Full text.\n`;
    expect(debian(text)).toEqual(['GPL-2.0-or-later', 'MIT']);
  });

  test('keep the name that the file gives if SPDX does not have it', () => {
    expect(debian(`${head}Files: *\nLicense: GPL-3+ with Bison exception\n`)).toEqual([
      'GPL-3+ with Bison exception'
    ]);
  });

  test('refer to the file if it is not machine-readable', () => {
    expect(debian('This package is free software.\nLicense: see below\n')).toEqual([
      'See /usr/share/doc/sample/copyright'
    ]);
  });
});

describe('the licence of a wheel', () => {
  const metadata = (...lines: string[]): string =>
    ['Metadata-Version: 2.4', 'Name: sample', ...lines, '', 'License: not a field, but the description'].join(
      '\n'
    );

  test.each([
    ['an expression', ['License-Expression: BSD-3-Clause AND MIT', 'License: x'], 'BSD-3-Clause AND MIT'],
    ['an identifier', ['License: Apache-2.0'], 'Apache-2.0'],
    ['a classifier that is one licence', ['Classifier: License :: OSI Approved :: MIT License'], 'MIT'],
    [
      'a classifier for several licences, and an identifier',
      ['Classifier: License :: OSI Approved :: BSD License', 'License: BSD-3-Clause'],
      'BSD-3-Clause'
    ],
    [
      'a classifier for several licences, and a text',
      ['License: Copyright (c) 2015', 'Classifier: License :: OSI Approved :: BSD License'],
      'BSD License'
    ],
    ['a text', ['License: Apache 2.0'], 'Apache 2.0'],
    ['nothing', [], 'See METADATA']
  ])('is read from %s', (_name, lines, licence) => {
    expect(licenceText(wheelLicence(metadata(...lines)))).toBe(licence);
  });
});
