import { Page, PageHead } from '../../kit/page.tsx';

export function HomeScreen() {
  return (
    <Page>
      <PageHead title="Loop" />
    </Page>
  );
}
