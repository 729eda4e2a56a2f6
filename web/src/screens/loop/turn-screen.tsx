import { Page, PageHead } from '../../kit/page.tsx';

export function TurnScreen() {
  return (
    <Page>
      <PageHead title="Turn" />
    </Page>
  );
}
