"""Where artifacts lie: S3 URIs and paths, the local tree, real S3, archives and previews."""
