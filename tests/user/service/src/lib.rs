//! A catalogue for several tenants over HTTP: state, extractors, a repository behind a trait, errors by
//! `anyhow`, time-outs, spans; and memo wherever a service would have a cache.

mod database;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use memo::{memo, singleton};
use serde::{Deserialize, Serialize};

pub use database::Pool;
pub use routes::router;

/// What all handlers share.
#[derive(Clone)]
pub struct App {
    pub products: Arc<dyn Repository>,
    pub patience: Duration,
}

/// A product, as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    pub id: u32,
    pub name: String,
}

/// What a search asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Search {
    pub text: String,
    #[serde(default)]
    pub page: usize,
}

/// Where products come from.
#[async_trait]
pub trait Repository: Send + Sync {
    /// Which products they are: a part of every key.
    fn url(&self) -> &str;
    async fn product(&self, tenant: &str, id: u32) -> anyhow::Result<Option<Product>>;
    async fn names(&self, tenant: &str) -> anyhow::Result<Vec<String>>;
}

/// The products of one database.
pub struct Database {
    pub url: String,
}

#[async_trait]
impl Repository for Database {
    fn url(&self) -> &str {
        &self.url
    }

    #[memo(in_trait, key = (&self.url, tenant, id), ttl = "1m", cache_if = |found| matches!(found, Ok(Some(_))))]
    async fn product(&self, tenant: &str, id: u32) -> anyhow::Result<Option<Product>> {
        let pool = pool(&self.url).await?;
        let name = pool.query(tenant, id).await.context("the products cannot be read")?;
        Ok(name.map(|name| Product { id, name }))
    }

    #[memo(in_trait, key = (&self.url, tenant), max_entries = 1_000, ttl = "5m")]
    async fn names(&self, tenant: &str) -> anyhow::Result<Vec<String>> {
        let pool = pool(&self.url).await?;
        let mut names = Vec::new();
        for id in 1.. {
            let Some(name) = pool.query(tenant, id).await? else { break };
            names.push(name);
        }
        Ok(names)
    }
}

/// One pool for each database, however many requests come at once.
#[singleton(validate = Pool::is_open)]
#[tracing::instrument]
pub async fn pool(url: &str) -> anyhow::Result<Pool> {
    Pool::connect(url).await
}

/// A page of results; of the repository the key has the URL alone.
#[memo(key = (_products.url(), tenant, search), ttl = "30s", max_bytes = "16 MiB")]
#[tracing::instrument(skip_all, err)]
pub async fn page(
    _products: &dyn Repository,
    tenant: &str,
    search: &Search,
) -> anyhow::Result<Vec<String>> {
    const ROWS: usize = 2;
    let names = _products.names(tenant).await?;
    let found = names.into_iter().filter(|name| name.contains(&search.text));
    Ok(found.skip(search.page * ROWS).take(ROWS).collect())
}
