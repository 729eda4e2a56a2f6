import { Page, PageHead } from '../../kit/page.tsx';

export function DatasetsScreen() {
  return (
    <Page>
      <PageHead title="Datasets" />
    </Page>
  );
}
