import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Asset } from '../api/types.js';
import { formatBytes, formatDate, formatDuration } from './format.js';
import { joinNames } from './status.js';

/** Returns the kind of a dataset's stand-in, with its ε if it is differentially private. */
export function standInKind({ version: { standIn } }: Asset, trans: TranslationBundle): string {
  switch (standIn.kind) {
    case 'random':
      return trans.__('random');
    case 'synthetic':
      return standIn.privacy === undefined
        ? trans.__('synthetic')
        : trans.__('synthetic, ε = %1', standIn.privacy.epsilon);
    case 'public':
      return trans.__('public');
  }
}

/** A rule that a run must follow. */
interface Rule {
  readonly text: string;
  /** The parties whose policies contain it. */
  readonly providers: readonly string[];
}

/** Returns the assets whose policies have the lowest limit, which is the one that applies. */
function strictest(assets: readonly Asset[], limit: (asset: Asset) => number): readonly Asset[] {
  const lowest = Math.min(...assets.map(limit));
  return assets.filter(asset => limit(asset) === lowest);
}

/** Returns the rules for a run on these datasets as sentences, each with the providers whose rule it is. */
function rulesOf(assets: readonly Asset[], language: string, trans: TranslationBundle): readonly Rule[] {
  const rules: Rule[] = [];
  const add = (from: readonly Asset[], text: (policy: Asset['policy']) => string): void => {
    const [first] = from;
    if (first === undefined) return;
    rules.push({ text: text(first.policy), providers: [...new Set(from.map(({ provider }) => provider))] });
  };
  for (const asset of assets) add([asset], () => trans.__('No rows of %1 in outputs', asset.name));
  add(
    assets.filter(({ policy }) => policy.outputs.review === 'person'),
    () => trans.__('A person reviews the outputs first')
  );
  add(
    strictest(assets, ({ policy }) => policy.outputs.outputsPerRun),
    ({ outputs }) =>
      trans._n('At most %1 output per run', 'At most %1 outputs per run', outputs.outputsPerRun)
  );
  add(
    strictest(assets, ({ policy }) => policy.outputs.bytesPerOutput),
    ({ outputs }) => trans.__('Each output at most %1', formatBytes(outputs.bytesPerOutput))
  );
  add(
    strictest(assets, ({ policy }) => policy.run.wallSeconds),
    ({ run }) => trans.__('A run takes at most %1', formatDuration(run.wallSeconds * 1000))
  );
  add(
    strictest(assets, ({ policy }) => Date.parse(policy.validUntil)),
    ({ validUntil }) => trans.__('Data available until %1', formatDate(validUntil, language))
  );
  return rules;
}

/** Lists the rules for a run on datasets, each with its providers. If all rules have the same provider, it is named once. */
export function RuleList({
  assets,
  titleOf,
  language,
  trans
}: {
  assets: readonly Asset[];
  titleOf: (party: string) => string;
  language: string;
  trans: TranslationBundle;
}): React.JSX.Element {
  const [first, ...others] = new Set(assets.map(({ provider }) => provider));
  return (
    <>
      <ul className="crm-Rules">
        {rulesOf(assets, language, trans).map(({ text, providers }) => (
          <li key={text}>
            {text}{' '}
            {others.length > 0 && (
              <span className="crm-Quiet">({joinNames(providers.map(titleOf), trans)})</span>
            )}
          </li>
        ))}
      </ul>
      {first !== undefined && others.length === 0 && (
        <p className="crm-Quiet">{trans.__('These rules are set by %1.', titleOf(first))}</p>
      )}
    </>
  );
}
