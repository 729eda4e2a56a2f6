import { Page, PageHead } from '../../kit/page.tsx';

export function RunScreen() {
  return (
    <Page>
      <PageHead title="Run" />
    </Page>
  );
}
