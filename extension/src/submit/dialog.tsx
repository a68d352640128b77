import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { SubmissionRequestOptions } from '../api/types.js';
import { SubmitForm } from './form.js';
import type { SubmitModel } from './model.js';

/** What a person agreed to: the request, and the image digest that was shown. */
export interface Agreed {
  readonly asked: SubmissionRequestOptions;
  readonly image: string;
  readonly providers: readonly string[];
}

class SubmitBody extends ReactWidget implements Dialog.IBodyWidget<Agreed | null> {
  constructor(
    private readonly model: SubmitModel,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('crm-SubmitBody');
  }

  getValue(): Agreed | null {
    const { model } = this;
    if (!model.isReady || model.preview === undefined) return null;
    const { image, providers } = model.preview;
    return { asked: model.asked(), image, providers };
  }

  protected override render(): JSX.Element {
    return <SubmitForm model={this.model} trans={this.trans} />;
  }
}

/** Asks what is to be submitted, and how. Null when the person thought better of it. */
export async function askForSubmission(
  model: SubmitModel,
  notebookName: string,
  trans: TranslationBundle
): Promise<Agreed | null> {
  void model.load();
  const result = await showDialog({
    title: trans.__('Submit “%1” to the clean room', notebookName),
    body: new SubmitBody(model, trans),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Submit for approval') })],
    focusNodeSelector: 'select'
  });
  model.dispose();
  return result.button.accept ? result.value : null;
}
