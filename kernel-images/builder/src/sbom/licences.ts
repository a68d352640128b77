import { Contrib, Models } from '@cyclonedx/cyclonedx-library';
import parseExpression from 'spdx-expression-parse';

/** Debian's short names of licences that are also in the list of SPDX, with their SPDX identifiers. All other names are kept. */
const SPDX_OF_DEBIAN: Readonly<Record<string, string>> = {
  'apache-2': 'Apache-2.0',
  expat: 'MIT',
  'bsd-2-clause': 'BSD-2-Clause',
  'bsd-3-clause': 'BSD-3-Clause',
  'bsd-4-clause': 'BSD-4-Clause',
  'bsd-4-clause-uc': 'BSD-4-Clause-UC',
  'gpl-1+': 'GPL-1.0-or-later',
  'gpl-2': 'GPL-2.0-only',
  'gpl-2+': 'GPL-2.0-or-later',
  'gpl-3': 'GPL-3.0-only',
  'gpl-3+': 'GPL-3.0-or-later',
  'lgpl-2': 'LGPL-2.0-only',
  'lgpl-2+': 'LGPL-2.0-or-later',
  'lgpl-2.0+': 'LGPL-2.0-or-later',
  'lgpl-2.1': 'LGPL-2.1-only',
  'lgpl-2.1+': 'LGPL-2.1-or-later',
  'lgpl-3': 'LGPL-3.0-only',
  'lgpl-3+': 'LGPL-3.0-or-later',
  'lgpl-3.0+': 'LGPL-3.0-or-later',
  'bsl-1': 'BSL-1.0',
  zlib: 'Zlib'
};

/** Classifiers of the Python Package Index that name exactly one licence of SPDX. */
const SPDX_OF_CLASSIFIER: Readonly<Record<string, string>> = {
  'Apache Software License': 'Apache-2.0',
  'ISC License (ISCL)': 'ISC',
  'MIT License': 'MIT',
  'Mozilla Public License 2.0 (MPL 2.0)': 'MPL-2.0'
};

const factory = new Contrib.License.Factories.LicenseFactory(parseExpression);

/** Returns a licence from its SPDX identifier or expression, or else by its name. */
export function licenceOf(text: string): Models.License {
  return factory.makeFromString(text);
}

/** Returns whether a text is an SPDX identifier or expression. */
function isSpdx(text: string): boolean {
  return !(licenceOf(text) instanceof Models.NamedLicense);
}

/**
 * Returns the licences that the copyright file of a Debian package lists, without duplicates. Only files in the machine-readable
 * format (DEP 5) list them; for all others the name refers to the file.
 *
 * @param name - the name of the package whose folder contains the file
 */
export function debianLicences(copyright: string, name: string): Models.DisjunctiveLicense[] {
  const isMachineReadable = /^Format(?:-Specification)?:/im.test(copyright.slice(0, 2000));
  const names = isMachineReadable
    ? [...copyright.matchAll(/^License:[ \t]*(\S[^\n]{0,100})$/gm)].map(([, found = '']) => found.trim())
    : [];
  if (names.length === 0) return [new Models.NamedLicense(`See /usr/share/doc/${name}/copyright`)];
  const known = names.map(found => SPDX_OF_DEBIAN[found.toLowerCase()] ?? found);
  return [...new Set(known)].map(found => factory.makeDisjunctive(found));
}

/** Returns the values of a header field of a wheel's METADATA. */
function fieldsOf(metadata: string, name: string): string[] {
  const [header = ''] = metadata.split(/\r?\n\r?\n/, 1);
  return [...header.matchAll(new RegExp(`^${name}:[ \\t]*(\\S[^\\r\\n]*)`, 'gm'))].map(([, value = '']) =>
    value.trim()
  );
}

/** Returns the licence that the METADATA of a wheel states: the expression of PEP 639, or the older fields. */
export function wheelLicence(metadata: string): Models.License {
  const [expression] = fieldsOf(metadata, 'License-Expression');
  const [text] = fieldsOf(metadata, 'License');
  const classifiers = fieldsOf(metadata, 'Classifier').flatMap(classifier =>
    classifier.startsWith('License :: ') ? [classifier.split(' :: ').at(-1) ?? ''] : []
  );
  const stated = [
    ...(expression === undefined ? [] : [expression]),
    ...(text === undefined ? [] : [text]),
    ...classifiers.map(classifier => SPDX_OF_CLASSIFIER[classifier] ?? classifier)
  ];
  const spdx = stated.find(isSpdx);
  return licenceOf(spdx ?? classifiers[0] ?? text ?? 'See METADATA');
}

/** Returns a licence as one line. */
export function licenceText(licence: Models.License): string {
  if (licence instanceof Models.LicenseExpression) return licence.expression;
  return licence instanceof Models.SpdxLicense ? licence.id : licence.name;
}
