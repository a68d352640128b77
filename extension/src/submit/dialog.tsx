import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { SubmissionRequestOptions } from '../api/types.js';
import { SubmitForm } from './form.js';
import type { SubmitModel } from './model.js';

/** A confirmed submission: the person's choices, and the image digest and providers that were shown. */
export interface ConfirmedSubmission {
  readonly options: SubmissionRequestOptions;
  readonly image: string;
  readonly providers: readonly string[];
}

class SubmitBody extends ReactWidget implements Dialog.IBodyWidget<ConfirmedSubmission | null> {
  constructor(
    private readonly model: SubmitModel,
    private readonly language: string,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('crm-SubmitBody');
  }

  getValue(): ConfirmedSubmission | null {
    const { model } = this;
    if (!model.isReady || model.preview === undefined) return null;
    const { image, providers } = model.preview;
    return { options: model.options(), image, providers };
  }

  protected override render(): React.JSX.Element {
    return <SubmitForm model={this.model} language={this.language} trans={this.trans} />;
  }
}

/**
 * Shows the submit dialog.
 *
 * @param notebookName - the name of the notebook, for the title
 * @returns the confirmed submission, or null if the person cancelled
 */
export async function showSubmitDialog(
  model: SubmitModel,
  notebookName: string,
  language: string,
  trans: TranslationBundle
): Promise<ConfirmedSubmission | null> {
  void model.load();
  const result = await showDialog({
    title: trans.__('Submit “%1” to the clean room', notebookName),
    body: new SubmitBody(model, language, trans),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Submit for approval') })],
    focusNodeSelector: 'select'
  });
  model.dispose();
  return result.button.accept ? result.value : null;
}
