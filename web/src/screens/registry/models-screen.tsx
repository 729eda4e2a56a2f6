import { Page, PageHead } from '../../kit/page.tsx';

export function ModelsScreen() {
  return (
    <Page>
      <PageHead title="Models" />
    </Page>
  );
}
