import { Page, PageHead } from '../../kit/page.tsx';

export function LoopScreen() {
  return (
    <Page>
      <PageHead title="Loop" />
    </Page>
  );
}
