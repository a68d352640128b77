import { registerHooks } from 'node:module';

// jest runs this file outside its own module system: Node strips the types, but looks for `.js` where there is `.ts`
registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!/^\..*\.js$/.test(specifier)) throw error;
      return next(specifier.replace(/\.js$/, '.ts'), context);
    }
  }
});

export default async function prepare() {
  const { prepareStage } = await import('./stage.ts');
  await prepareStage();
}
