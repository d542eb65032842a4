//! A neural network, loaded once and asked many times: `cargo run --release -p model`.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

use memo::{memo, singleton};
use serde::{Deserialize, Serialize};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits_model.json");
const HOLDOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits_holdout.csv");

#[derive(Deserialize)]
struct Classifier {
    brightest: f64,
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
struct Prediction {
    digit: usize,
    probability: f64,
}

/// Everybody who asks gets the same `Arc`: the file is read and parsed once.
#[singleton]
fn classifier(path: &Path) -> Result<Classifier, Box<dyn Error + Send + Sync>> {
    println!("    loading the model");
    Ok(serde_json::from_reader(BufReader::new(File::open(path)?))?)
}

/// The network is not part of the key (hence the underscore): the program has only one.
#[memo]
fn predict(_classifier: &Classifier, pixels: &[u8]) -> Prediction {
    let scores = _classifier.scores(pixels);
    let (digit, best) =
        scores.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
    let total: f64 = scores.iter().map(|score| (score - best).exp()).sum();
    Prediction { digit, probability: total.recip() }
}

impl Classifier {
    fn scores(&self, pixels: &[u8]) -> Vec<f64> {
        let mut values: Vec<f64> =
            pixels.iter().map(|&pixel| f64::from(pixel) / self.brightest).collect();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            values = layer.apply(&values);
        }
        values
    }
}

impl Layer {
    fn apply(&self, input: &[f64]) -> Vec<f64> {
        let output = self.weights.iter().zip(&self.bias);
        output.map(|(weights, bias)| bias + dot(weights, input)).collect()
    }
}

fn dot(weights: &[f64], input: &[f64]) -> f64 {
    weights.iter().zip(input).map(|(w, x)| w * x).sum()
}

type Image = (usize, Vec<u8>);

fn correct_answers(images: &[Image]) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let mut correct = 0;
    for (label, pixels) in images {
        let classifier = classifier(Path::new(MODEL))?;
        correct += usize::from(predict(&classifier, pixels).digit == *label);
    }
    Ok(correct)
}

fn draw(pixels: &[u8]) {
    for row in pixels.chunks(8) {
        let shades =
            row.iter().map(|&pixel| [' ', '░', '▒', '▓', '█'][usize::from(pixel.min(16)) / 4]);
        println!("    {}", shades.flat_map(|shade| [shade, shade]).collect::<String>());
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let images: Vec<Image> =
        csv::Reader::from_path(HOLDOUT)?.deserialize().collect::<Result<_, _>>()?;

    for label in ["computed", "from the cache"] {
        let start = Instant::now();
        let correct = correct_answers(&images)?;
        let accuracy = 100.0 * correct as f64 / images.len() as f64;
        println!(
            "{correct} of {} right ({accuracy:.1}%), {label}: {:?}",
            images.len(),
            start.elapsed()
        );
    }
    println!(
        "predict: {} computed, {} from the cache",
        predict::stats().misses,
        predict::stats().hits
    );
    println!(
        "classifier: {} loaded, {} shared\n",
        classifier::stats().misses,
        classifier::stats().hits
    );

    if let Some((label, pixels)) = images.first() {
        draw(pixels);
        let Prediction { digit, probability } = predict(&*classifier(Path::new(MODEL))?, pixels);
        println!("a {label}, taken for a {digit} with probability {probability:.3}");
    }
    Ok(())
}
